import type { BridgeRequest, LiveEvent, Transcript } from '../../contracts/index.js';
import { AudioIntake } from './audio-intake.js';
import { type CloseCode, type Connection, type ConnectionListener, UNHEARD } from './connection.js';
import { Delivery } from './delivery.js';
import { toBridgeEvent } from './event-data.js';
import { EventLog } from './event-log.js';
import { functionFailed } from './failures.js';
import type { BridgeSettings } from './options.js';
import { type AudioFrame, BadMessage } from './requests.js';
import { Timers } from './timers.js';
import type { BridgeLive, BridgePrincipal } from './types.js';

const ACK_MS = 1000;
const ACK_BYTES = 262_144;

interface SessionParts {
  readonly id: string;
  readonly live: BridgeLive;
  readonly principal: BridgePrincipal;
  readonly settings: BridgeSettings;
  /** It needs its place no more, and cannot be taken up again. */
  readonly onGone: (session: BridgeSession) => void;
}

/**
 * One live session, and the browser that it belongs to, which may go and come back.
 *
 * It is there until it has ended and its last browser has got all of it, or has not come back in time.
 */
export class BridgeSession implements ConnectionListener {
  readonly id: string;
  readonly principal: BridgePrincipal;
  /** Settles when the live session is over, its transcript stored and told. Never rejects. */
  readonly over: Promise<void>;
  readonly #parts: SessionParts;
  readonly #log = new EventLog();
  readonly #intake: AudioIntake;
  readonly #timers: Timers<'ack' | 'resume' | 'total'>;
  readonly #startedAt: number;
  #attached: { readonly connection: Connection; readonly delivery: Delivery } | undefined;
  #acknowledged = 0;
  #ending: { readonly code: CloseCode; readonly reason: string } = { code: 1000, reason: '' };
  /** By the browser: it must not send audio any more. */
  #isFinishAsked = false;
  #isFinishing = false;
  #isOver = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.principal = parts.principal;
    this.#intake = new AudioIntake(parts.live, {
      onHold: () => this.#attached?.connection.hold(),
      onRelease: () => this.#attached?.connection.release(),
    });
    const { clock, maxSessionMs } = parts.settings;
    this.#startedAt = clock.monotonicMs();
    this.#timers = new Timers(clock);
    this.#timers.set('total', maxSessionMs, () => this.#end(4408, 'The session has lasted too long.'));
    this.over = this.#run();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isAttached(): boolean {
    return this.#attached !== undefined;
  }

  /** Events after `received` come again. A connection that it still has is closed. @throws BadMessage */
  attach(connection: Connection, token: string, received: number): void {
    if (received > this.#log.lastSeq) throw new BadMessage('start.received is larger than what was sent.');
    this.#dismiss(4409, 'Another connection has taken the session.');
    this.#timers.cancel('resume');
    const { maxBufferedBytes, idleTimeoutMs } = this.#parts.settings;
    const delivery = new Delivery(this.#log, connection, received, maxBufferedBytes);
    this.#attached = { connection, delivery };
    connection.listener = this;
    connection.isStarted = true;
    if (this.#isFinishing) connection.expectNoMessages();
    else connection.expectMessages(idleTimeoutMs);
    this.#acknowledged = this.#intake.position;
    connection.send({ type: 'ready', version: 1, session: token, position: this.#acknowledged });
    if (this.#intake.isHeld) connection.hold();
    this.#deliver();
  }

  /** The transcript is made of what has come so far. */
  finish(): void {
    this.#isFinishing = true;
    this.#timers.cancel('total');
    this.#attached?.connection.expectNoMessages();
    this.#intake.finish();
  }

  /** Ends it at once, without a transcript. */
  abort(): void {
    this.#ending = { code: 1001, reason: 'The server goes away.' };
    this.#parts.live.abort(new Error('The bridge was closed.'));
  }

  /** Nobody comes back to it any more. */
  forget(): void {
    this.#timers.end();
    this.#parts.onGone(this);
  }

  onRequest(request: BridgeRequest): void {
    if (request.type === 'start') throw new BadMessage('The session has started already.');
    if (request.type === 'finalize') this.#intake.finalize();
    if (request.type !== 'finish') return;
    this.#isFinishAsked = true;
    this.finish();
  }

  onAudio(frame: AudioFrame): void {
    const end = frame.position + frame.audio.length;
    if (this.#isFinishAsked && end > this.#intake.position) throw new BadMessage('Audio came after finish.');
    this.#intake.push(frame);
    if (this.#intake.position - this.#acknowledged >= ACK_BYTES) this.#acknowledge();
    else if (!this.#timers.has('ack')) this.#timers.set('ack', ACK_MS, () => this.#acknowledge());
  }

  onBadMessage(text: string): void {
    this.#detach(4400, text);
  }

  onIdle(): void {
    this.#end(4408, 'No message came for too long.');
  }

  onDrain(): void {
    this.#deliver();
  }

  onClose(code: number): void {
    const isComplete = this.#attached?.delivery.isComplete;
    this.#attached = undefined;
    // The echo of our own close: the browser has read all that came before it. With a 1000 of its own it has said that
    // it does not come back.
    const isLast = code === 1000 || (isComplete && code === this.#ending.code);
    if (!isLast) this.#awaitReturn();
    else if (this.#isOver) this.forget();
    else this.finish();
  }

  async #run(): Promise<void> {
    const { live } = this.#parts;
    const end = await this.#publishAll(live);
    this.#isFinishing = true;
    this.#timers.cancel('total');
    this.#attached?.connection.expectNoMessages();
    this.#intake.stop();
    const transcript = await live.finish().catch(() => undefined);
    // Only now: who hears of the end may look for the transcript at once.
    this.#publish(end);
    this.#isOver = true;
    this.#log.close();
    this.#tellEnd(transcript);
    this.#deliver();
    if (this.#attached === undefined && !this.#timers.has('resume')) this.forget();
    await this.#hand(transcript);
  }

  /** All but the last one, which it returns. */
  async #publishAll(live: BridgeLive): Promise<LiveEvent> {
    let end: LiveEvent = { type: 'end' };
    try {
      for await (const event of live) {
        if (event.type === 'end') end = event;
        else this.#publish(event);
      }
    } catch (error) {
      this.#publish({ type: 'error', error: error as Error });
    }
    return end;
  }

  #publish(event: LiveEvent): void {
    if (this.#attached?.delivery.isTooSlow) this.#detach(1011, 'The browser reads too slowly.');
    this.#log.append(toBridgeEvent(event, this.#parts.settings.sendTranscript));
    this.#deliver();
  }

  #deliver(): void {
    if (this.#attached === undefined) return;
    const { connection, delivery } = this.#attached;
    delivery.flush();
    if (delivery.isComplete) connection.close(this.#ending.code, this.#ending.reason);
  }

  #acknowledge(): void {
    this.#timers.cancel('ack');
    const { position } = this.#intake;
    this.#acknowledged = position;
    this.#attached?.connection.sendIfRoom({ type: 'ack', position });
  }

  #end(code: CloseCode, reason: string): void {
    if (this.#isOver) return;
    this.#ending = { code, reason };
    this.finish();
  }

  /** Closes the connection. The browser may come back with another one. */
  #detach(code: CloseCode, reason: string): void {
    this.#dismiss(code, reason);
    this.#awaitReturn();
  }

  #dismiss(code: CloseCode, reason: string): void {
    const connection = this.#attached?.connection;
    if (connection === undefined) return;
    this.#attached = undefined;
    connection.listener = UNHEARD;
    connection.close(code, reason);
  }

  #awaitReturn(): void {
    const { resumeMs, onEvent } = this.#parts.settings;
    if (!this.#isOver) {
      onEvent({ type: 'session-detached', sessionId: this.id, userId: this.principal.userId });
    }
    this.#timers.set('resume', resumeMs, () => (this.#isOver ? this.forget() : this.finish()));
  }

  #tellEnd(transcript: Transcript | undefined): void {
    const { clock, onEvent } = this.#parts.settings;
    onEvent({
      type: 'session-end',
      sessionId: this.id,
      userId: this.principal.userId,
      outcome: transcript === undefined ? 'failed' : 'completed',
      audioBytes: this.#intake.position,
      durationMs: clock.monotonicMs() - this.#startedAt,
    });
  }

  async #hand(transcript: Transcript | undefined): Promise<void> {
    const { onSessionEnd, onEvent } = this.#parts.settings;
    try {
      await onSessionEnd?.(this.principal, transcript);
    } catch (cause) {
      onEvent({ type: 'error', error: functionFailed('onSessionEnd', cause) });
    }
  }
}
