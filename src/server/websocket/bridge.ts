import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { TranscriptionError } from '../../errors/index.js';
import { closeTimeoutMs } from '../../internal/check-arguments.js';
import { Lazy } from '../../internal/lazy.js';
import { checkMethods } from '../../internal/validate.js';
import { within } from '../../internal/within.js';
import { Connection, UNHEARD } from './connection.js';
import { functionFailed } from './failures.js';
import { type Admission, Gate, type Refusal } from './gate.js';
import { brandListener, mustRefuse } from './listeners.js';
import { loadWebSocketServer } from './load-ws.js';
import type { BridgeSettings } from './options.js';
import { Places } from './places.js';
import { Reception } from './reception.js';
import { refuseUpgrade } from './refuse.js';
import { Sessions } from './sessions.js';
import type { BridgeClient, UpgradeListener, UpgradeServer } from './types.js';

/** How long the last words to browsers may take once the sessions are over. */
const LEAVE_MS = 1000;

const GOING_AWAY = 'The server goes away.';

/** See `createWebSocketBridge()`. */
export class Bridge {
  readonly #settings: BridgeSettings;
  readonly #places: Places;
  readonly #sessions = new Sessions();
  readonly #gate: Gate;
  readonly #reception: Reception;
  readonly #webSockets: Lazy<WebSocketServer>;
  readonly #servers = new Map<UpgradeServer, UpgradeListener>();
  /** Connections that are being closed are among them. */
  readonly #ends = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(client: BridgeClient, settings: BridgeSettings) {
    this.#settings = settings;
    this.#places = new Places(settings.maxConnections, settings.maxSessionsPerPrincipal);
    this.#gate = new Gate(settings, this.#places);
    this.#reception = new Reception(client, settings, this.#sessions);
    this.#webSockets = new Lazy(() => loadWebSocketServer(settings.maxFrameBytes));
  }

  get connections(): number {
    return this.#places.connections.length;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  attach(server: UpgradeServer): void {
    checkMethods('server', server, ['on', 'off', 'listeners']);
    if (this.#servers.has(server) || this.#closing !== undefined) return;
    const listener = brandListener(this.#settings.path, (request, socket, head) => {
      // Without this the socket would stay open for ever: Node leaves it to the listeners.
      if (mustRefuse(server, listener, pathOf(request))) refuseUpgrade(socket, 404);
      else void this.handleUpgrade(request, socket, head);
    });
    this.#servers.set(server, listener);
    server.on('upgrade', listener);
  }

  async handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<boolean> {
    if (pathOf(request) !== this.#settings.path) return false;
    const destroy = (): void => void socket.destroy();
    socket.on('error', destroy);
    const admission = await this.#gate.admit(request);
    if ('refusal' in admission) {
      this.#refuse(socket, admission.refusal);
      return true;
    }
    const { place } = admission;
    try {
      const webSockets = await this.#webSockets.get();
      socket.off('error', destroy);
      let isUpgraded = false;
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        isUpgraded = true;
        this.#connect(webSocket, admission);
      });
      // What is no proper handshake was answered by ws, and a socket that is gone by nobody.
      if (!isUpgraded) place.release();
    } catch (error) {
      place.release();
      const known = TranscriptionError.isInstance(error) ? error : functionFailed('handleUpgrade', error);
      this.#settings.onEvent({ type: 'error', error: known });
      this.#refuse(socket, { status: 500, reason: 'failed' });
    }
    return true;
  }

  async close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(closeTimeoutMs(options));
    return this.#closing;
  }

  #refuse(socket: Duplex, { status, reason }: Refusal): void {
    this.#settings.onEvent({ type: 'refused', status, reason });
    refuseUpgrade(socket, status);
  }

  #connect(webSocket: WebSocket, { principal, place }: Exclude<Admission, { refusal: Refusal }>): void {
    const { clock, onEvent } = this.#settings;
    const { userId } = principal;
    const connection = new Connection(webSocket, principal, this.#settings, UNHEARD);
    const openedAt = clock.monotonicMs();
    place.occupy(connection);
    const end = new Promise<void>((resolve) => {
      webSocket.on('close', (code) => {
        place.release();
        this.#ends.delete(end);
        resolve();
        onEvent({ type: 'disconnected', userId, code, durationMs: clock.monotonicMs() - openedAt });
      });
    });
    this.#ends.add(end);
    onEvent({ type: 'connected', userId });
    this.#reception.welcome(connection);
    if (this.#gate.isClosed) connection.close(1001, GOING_AWAY);
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#gate.close();
    const { clock } = this.#settings;
    for (const connection of this.#places.connections) {
      if (!connection.isStarted) connection.close(1001, GOING_AWAY);
    }
    const sessions = [...this.#sessions];
    for (const session of sessions) {
      if (session.isOver && !session.isAttached) session.forget();
      else session.finish();
    }
    const overs = Promise.all(sessions.map(({ over }) => over));
    await within(clock, overs, timeoutMs);
    for (const session of this.#sessions) if (!session.isOver) session.abort();
    await within(clock, overs, LEAVE_MS);
    for (const connection of this.#places.connections) connection.close(1001, GOING_AWAY);
    await within(clock, Promise.all(this.#ends), LEAVE_MS);
    for (const connection of this.#places.connections) connection.terminate();
    await Promise.all(this.#ends);
    for (const session of [...this.#sessions]) session.forget();
    for (const [server, listener] of this.#servers) server.off('upgrade', listener);
    this.#servers.clear();
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] as string;
}
