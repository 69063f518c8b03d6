import type { BridgeRequest } from '../../contracts/index.js';
import { BadRequestError, TranscriptionError } from '../../errors/index.js';
import { createId } from '../../internal/ids.js';
import { type Connection, type ConnectionListener, UNHEARD } from './connection.js';
import { functionFailed } from './failures.js';
import type { BridgeSettings } from './options.js';
import { BadMessage } from './requests.js';
import { BridgeSession } from './session.js';
import type { Sessions } from './sessions.js';
import { startOptions } from './start-options.js';
import type { BridgeClient, BridgeLive } from './types.js';

type Start = Extract<BridgeRequest, { type: 'start' }>;

/** Takes the first message of each connection, and brings it to its session. */
export class Reception {
  readonly #client: BridgeClient;
  readonly #settings: BridgeSettings;
  readonly #sessions: Sessions;

  constructor(client: BridgeClient, settings: BridgeSettings, sessions: Sessions) {
    this.#client = client;
    this.#settings = settings;
    this.#sessions = sessions;
  }

  welcome(connection: Connection): void {
    connection.listener = this.#listenerOf(connection);
    connection.expectMessages(this.#settings.startTimeoutMs);
  }

  #listenerOf(connection: Connection): ConnectionListener {
    return {
      ...UNHEARD,
      onRequest: (request) => {
        if (request.type !== 'start') throw new BadMessage('The first message must be start.');
        this.#start(connection, request);
      },
      onAudio: () => {
        throw new BadMessage('The first message must be start.');
      },
      onBadMessage: (text) => connection.close(4400, text),
      onIdle: () => connection.close(4408, 'No start came in time.'),
    };
  }

  #start(connection: Connection, request: Start): void {
    if (request.session === undefined) this.#open(connection, request);
    else this.#resume(connection, request.session, request.received ?? 0);
  }

  #resume(connection: Connection, token: string, received: number): void {
    const { userId } = connection.principal;
    const session = this.#sessions.find(token, userId);
    if (session === undefined) {
      connection.close(4404, 'There is no such session.');
      return;
    }
    session.attach(connection, token, received);
    this.#settings.onEvent({ type: 'session-resume', sessionId: session.id, userId });
  }

  #open(connection: Connection, { options = {} }: Start): void {
    const { principal } = connection;
    const wanted = startOptions(options, principal, this.#settings);
    if (!this.#hasRoom(principal.userId)) {
      connection.close(1013, 'Too many sessions.');
      return;
    }
    let live: BridgeLive;
    try {
      live = this.#client.stream(wanted);
    } catch (error) {
      this.#refuse(connection, error);
      return;
    }
    const session = new BridgeSession({
      id: live.id ?? createId('live'),
      live,
      principal,
      settings: this.#settings,
      onGone: (gone) => this.#sessions.delete(gone),
    });
    const token = this.#sessions.add(session);
    this.#settings.onEvent({ type: 'session-start', sessionId: session.id, userId: principal.userId });
    session.attach(connection, token, 0);
  }

  /** A session that has ended, and whose browser is gone, makes room for a new one. */
  #hasRoom(userId: string): boolean {
    const { maxConnections, maxSessionsPerPrincipal } = this.#settings;
    const own = this.#sessions.ofUser(userId);
    if (own.size >= maxSessionsPerPrincipal) {
      [...own].find(({ isOver, isAttached }) => isOver && !isAttached)?.forget();
    }
    return (
      this.#sessions.ofUser(userId).size < maxSessionsPerPrincipal && this.#sessions.size < maxConnections
    );
  }

  #refuse(connection: Connection, error: unknown): void {
    if (error instanceof BadRequestError) {
      connection.close(4400, error.message);
      return;
    }
    const known = TranscriptionError.isInstance(error) ? error : functionFailed('client.stream', error);
    this.#settings.onEvent({ type: 'error', error: known });
    connection.close(1011, 'The session could not be opened.');
  }
}
