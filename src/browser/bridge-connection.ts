import type { BridgeMessage, BridgeRequest } from '../contracts/index.js';
import { BRIDGE_PROTOCOL, POSITION_BYTES } from '../internal/bridge-protocol.js';
import {
  checkToken,
  loadWebSocket,
  type TokenSupplier,
  type WebSocketConstructor,
  type WebSocketLike,
} from './web-socket.js';

/** How often the bridge is asked whether it is there. */
const PING_MS = 2000;
/** A bridge that has said nothing for so long after a ping is gone. */
const SILENCE_MS = 6000;
/** While it is paused it reads nothing, pings included. */
const PAUSED_SILENCE_MS = 30_000;

export interface BridgeConnectionSettings {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly token: TokenSupplier | undefined;
  readonly WebSocket: WebSocketConstructor | undefined;
  /** From the beginning to `ready`. */
  readonly connectTimeoutMs: number;
}

export interface BridgeConnectionHooks {
  onMessage(message: BridgeMessage): void;
  onLatency(milliseconds: number): void;
  /** The last call, and exactly one. `cause`: what failed before there was a connection. */
  onClose(code: number, reason: string, cause?: unknown): void;
}

/** One connection to the bridge. */
export class BridgeConnection {
  readonly #settings: BridgeConnectionSettings;
  readonly #hooks: BridgeConnectionHooks;
  /** The bridge has asked for a pause. */
  isPaused = false;
  #socket: WebSocketLike | undefined;
  #connectTimer: ReturnType<typeof setTimeout> | undefined;
  #pingTimer: ReturnType<typeof setInterval> | undefined;
  #pings = 0;
  /** The ping that has no answer yet. */
  #ping: { readonly id: number; readonly at: number } | undefined;
  #heardAt = 0;
  #over = false;

  constructor(
    settings: BridgeConnectionSettings,
    start: Extract<BridgeRequest, { type: 'start' }>,
    hooks: BridgeConnectionHooks,
  ) {
    this.#settings = settings;
    this.#hooks = hooks;
    this.#connectTimer = setTimeout(() => this.#end(1006), settings.connectTimeoutMs);
    this.#open(start).catch((error) => this.#end(1006, '', error));
  }

  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  send(request: BridgeRequest): void {
    if (!this.#over) this.#socket?.send(JSON.stringify(request));
  }

  sendAudio(position: number, audio: Uint8Array): void {
    const message = new Uint8Array(POSITION_BYTES + audio.length);
    new DataView(message.buffer).setBigUint64(0, BigInt(position));
    message.set(audio, POSITION_BYTES);
    if (!this.#over) this.#socket?.send(message);
  }

  /** Nothing is told afterwards. */
  close(): void {
    this.#over = true;
    this.#cleanUp(1000);
  }

  async #open(start: BridgeRequest): Promise<void> {
    const { url, protocols, token, WebSocket } = this.#settings;
    // As a query it would be written into the logs of every server on the way.
    const bearer = token === undefined ? [] : [`bearer.${checkToken(await token())}`];
    const WebSocketClass = await loadWebSocket(WebSocket);
    if (this.#over) return;
    const socket = new WebSocketClass(url, [BRIDGE_PROTOCOL, ...bearer, ...protocols]);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.send(start);
      this.#pingTimer = setInterval(() => this.#beat(), PING_MS);
    };
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.#receive(data);
    socket.onclose = ({ code, reason }: { readonly code: number; readonly reason: string }) =>
      this.#end(code, reason);
    // A close follows, and tells no less.
    socket.onerror = () => undefined;
  }

  #receive(data: unknown): void {
    this.#heardAt = performance.now();
    const message = parse(data);
    if (message === undefined || this.#over) return;
    if (message.type === 'ready') clearTimeout(this.#connectTimer);
    if (message.type !== 'pong') this.#hooks.onMessage(message);
    else if (message.id === this.#ping?.id) {
      const milliseconds = this.#heardAt - this.#ping.at;
      this.#ping = undefined;
      this.#hooks.onLatency(milliseconds);
    }
  }

  /** A page in the background gets its timers late: only what was asked and not answered counts. */
  #beat(): void {
    const now = performance.now();
    if (this.#ping === undefined) {
      this.#pings += 1;
      this.#ping = { id: this.#pings, at: now };
      this.send({ type: 'ping', id: this.#pings });
    } else {
      const silenceMs = now - Math.max(this.#ping.at, this.#heardAt);
      if (silenceMs > (this.isPaused ? PAUSED_SILENCE_MS : SILENCE_MS)) this.#end(1006);
    }
  }

  #end(code: number, reason = '', cause?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#cleanUp();
    this.#hooks.onClose(code, reason, cause);
  }

  #cleanUp(code?: number): void {
    clearTimeout(this.#connectTimer);
    clearInterval(this.#pingTimer);
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }
}

function parse(data: unknown): BridgeMessage | undefined {
  try {
    return JSON.parse(String(data)) as BridgeMessage;
  } catch {
    return undefined;
  }
}
