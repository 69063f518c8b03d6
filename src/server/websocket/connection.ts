import type { WebSocket } from 'ws';
import type { BridgeCloseCode, BridgeMessage, BridgeRequest } from '../../contracts/index.js';
import type { BridgeSettings } from './options.js';
import { type AudioFrame, BadMessage, parseAudio, parseRequest } from './requests.js';
import { Timers } from './timers.js';
import type { BridgePrincipal } from './types.js';

/** Who is told what a browser does. It changes when a session takes the connection. */
export interface ConnectionListener {
  /** @throws BadMessage */
  onRequest(request: BridgeRequest): void;
  /** @throws BadMessage */
  onAudio(frame: AudioFrame): void;
  /** A message does not fit. The text may be shown. */
  onBadMessage(text: string): void;
  /** No message came for as long as was asked with `expectMessages()`. */
  onIdle(): void;
  /** There may be room for more. */
  onDrain(): void;
  /** The last call. 1006: the browser has gone without saying so. */
  onClose(code: number): void;
}

/** For a connection that belongs to nobody any more. */
export const UNHEARD: ConnectionListener = {
  onRequest: () => undefined,
  onAudio: () => undefined,
  onBadMessage: () => undefined,
  onIdle: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
};

/** 1001: the bridge is closed, and with it what has not ended in time. */
export type CloseCode = BridgeCloseCode;

interface Probe {
  readonly promise: Promise<void>;
  readonly settle: () => void;
}

/** How long the bytes of a closing connection may stand still. */
const CLOSE_GRACE_MS = 5000;
const PROBE_MS = 2000;
const MISSED_PONGS = 2;
const MAX_REASON_BYTES = 123;

/** One WebSocket of a browser. Whether it is there is its own business; what is said is its listener's. */
export class Connection {
  readonly principal: BridgePrincipal;
  listener: ConnectionListener;
  /** It has, or had, a session. */
  isStarted = false;
  readonly #socket: WebSocket;
  readonly #settings: BridgeSettings;
  readonly #timers: Timers<'heartbeat' | 'idle' | 'grace' | 'probe'>;
  #missedPongs = 0;
  #lastMessageAt = 0;
  #isHeld = false;
  #isClosing = false;
  #probe: Probe | undefined;

  constructor(
    socket: WebSocket,
    principal: BridgePrincipal,
    settings: BridgeSettings,
    listener: ConnectionListener,
  ) {
    this.principal = principal;
    this.listener = listener;
    this.#socket = socket;
    this.#settings = settings;
    this.#timers = new Timers(settings.clock);
    this.#listen();
    this.#beat();
  }

  get isOpen(): boolean {
    return !this.#isClosing && this.#socket.readyState === this.#socket.OPEN;
  }

  /** Bytes that have not left the process. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: BridgeMessage): void {
    this.sendText(JSON.stringify(message));
  }

  /** For what may be left out where the browser does not read. */
  sendIfRoom(message: BridgeMessage): void {
    if (this.bufferedAmount < this.#settings.maxBufferedBytes) this.send(message);
  }

  sendText(text: string): void {
    if (this.isOpen) this.#socket.send(text, () => this.listener.onDrain());
  }

  /** Stops reading, and asks the browser to stop. */
  hold(): void {
    if (this.#isHeld || !this.isOpen) return;
    this.#isHeld = true;
    this.send({ type: 'pause' });
    this.#socket.pause();
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#hear();
    this.#socket.resume();
    this.send({ type: 'resume' });
  }

  /** From now on the listener is told when no message came for so long. */
  expectMessages(withinMs: number): void {
    this.#lastMessageAt = this.#settings.clock.monotonicMs();
    this.#timers.set('idle', withinMs, () => this.#lookAtIdle(withinMs));
  }

  expectNoMessages(): void {
    this.#timers.cancel('idle');
  }

  close(code: CloseCode, reason: string): void {
    if (this.#isClosing) return;
    this.#stop();
    this.#socket.close(code, shortened(reason));
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** Settles when the browser has answered, or is gone for good. */
  probe(): Promise<void> {
    // Nothing is read, so nothing can be heard.
    if (this.#isHeld) return Promise.resolve();
    this.#probe ??= this.#startProbe();
    return this.#probe.promise;
  }

  #startProbe(): Probe {
    let settle: () => void = () => undefined;
    const promise = new Promise<void>((resolve) => {
      settle = resolve;
    });
    if (this.isOpen) this.#socket.ping();
    this.#timers.set('probe', PROBE_MS, () => this.terminate());
    return { promise, settle };
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary));
    socket.on('pong', () => this.#hear());
    // ws has begun to close by itself, with the code that fits: a frame that is too large, bytes that are no frame.
    socket.on('error', () => this.#stop());
    socket.on('close', (code) => {
      this.#isClosing = true;
      this.#timers.end();
      this.#settleProbe();
      this.listener.onClose(code);
    });
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#isClosing) return;
    this.#hear();
    this.#lastMessageAt = this.#settings.clock.monotonicMs();
    try {
      if (isBinary) this.listener.onAudio(parseAudio(data));
      else this.#request(parseRequest(data.toString()));
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      this.listener.onBadMessage(error.message);
    }
  }

  #request(request: BridgeRequest): void {
    if (request.type === 'ping') this.sendIfRoom({ type: 'pong', id: request.id });
    this.listener.onRequest(request);
  }

  #hear(): void {
    this.#missedPongs = 0;
    this.#timers.cancel('probe');
    this.#settleProbe();
  }

  #settleProbe(): void {
    this.#probe?.settle();
    this.#probe = undefined;
  }

  #beat(): void {
    this.#timers.set('heartbeat', this.#settings.heartbeatMs, () => {
      if (this.#missedPongs >= MISSED_PONGS) {
        this.terminate();
        return;
      }
      // While nothing is read, no answer can be heard; a socket that is broken still shows it. What is said again tells
      // the browser, which sees no pings, that the bridge is there.
      if (this.#isHeld) this.sendIfRoom({ type: 'pause' });
      else this.#missedPongs += 1;
      if (this.isOpen) this.#socket.ping();
      this.#beat();
    });
  }

  #lookAtIdle(withinMs: number): void {
    const { clock } = this.#settings;
    const idleMs = this.#isHeld ? 0 : clock.monotonicMs() - this.#lastMessageAt;
    if (idleMs >= withinMs) this.listener.onIdle();
    else this.#timers.set('idle', withinMs - idleMs, () => this.#lookAtIdle(withinMs));
  }

  /** Only the end is waited for. */
  #stop(): void {
    this.#isClosing = true;
    this.#timers.cancel('heartbeat');
    this.#timers.cancel('idle');
    // The answer to the close must be read.
    if (this.#isHeld) this.#socket.resume();
    this.#isHeld = false;
    this.#awaitClose(this.bufferedAmount);
  }

  #awaitClose(before: number): void {
    this.#timers.set('grace', CLOSE_GRACE_MS, () => {
      const now = this.bufferedAmount;
      if (now < before) this.#awaitClose(now);
      else this.terminate();
    });
  }
}

function shortened(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > MAX_REASON_BYTES) text = text.slice(0, -1);
  return text;
}
