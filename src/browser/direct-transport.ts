import type {
  LiveClose,
  LiveConnection,
  LiveConnectionHandlers,
  LiveControl,
  LiveProtocol,
  LiveTransport,
} from '../contracts/index.js';
import { errorFromClose } from '../deepgram/live-errors.js';
import type { Parameters } from '../deepgram/map-options.js';
import { messageWithoutSecrets } from '../deepgram/quoted-secrets.js';
import { NetworkError, TimeoutError, TranscriptionError } from '../errors/index.js';
import {
  checkToken,
  loadWebSocket,
  type TokenSupplier,
  type WebSocketConstructor,
  type WebSocketLike,
} from './web-socket.js';

export interface DirectTransportOptions {
  /** Begins with `ws`, and has no slash at its end. */
  readonly endpoint: string;
  readonly token: TokenSupplier;
  readonly connectTimeoutMs: number;
  readonly WebSocket: WebSocketConstructor | undefined;
  readonly protocol: LiveProtocol;
  readonly parameters: Parameters;
}

/** Deepgram's name among the regions: the page knows no other. */
const REGION = 'default';
/** Browsers do not tell when a socket has room again. */
const DRAIN_MS = 50;
const ABNORMAL: LiveClose = { code: 1006, reason: '' };
const OPEN = 1;

/** Connections from a page to Deepgram. */
export function createDirectTransport(options: DirectTransportOptions): LiveTransport {
  return {
    region: REGION,
    protocol: options.protocol,
    connect: (handlers) => new DirectConnection(options, handlers),
  };
}

class DirectConnection implements LiveConnection {
  readonly #options: DirectTransportOptions;
  readonly #handlers: LiveConnectionHandlers;
  readonly #connectTimer: ReturnType<typeof setTimeout>;
  #secrets: readonly string[] = [];
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  #socket: WebSocketLike | undefined;
  #hasOpened = false;
  #isOver = false;

  constructor(options: DirectTransportOptions, handlers: LiveConnectionHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#connectTimer = setTimeout(() => this.#end(ABNORMAL, timedOut(options)), options.connectTimeoutMs);
    this.#start().catch((cause) => this.#end(ABNORMAL, connectFailed(cause)));
  }

  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  sendAudio(chunk: Uint8Array): void {
    this.#send(chunk as Uint8Array<ArrayBuffer>);
    if (this.bufferedAmount > 0) this.#awaitDrain();
  }

  sendControl(control: LiveControl): void {
    this.#send(JSON.stringify({ type: control }));
  }

  configure(message: Readonly<Record<string, unknown>>): void {
    this.#send(JSON.stringify({ ...message, type: 'Configure' }));
  }

  /** Pages cannot ping. */
  ping(): boolean {
    return false;
  }

  /** The other side's answer is not waited for: where the network is gone, it never comes. */
  close(code = 1000, reason = ''): void {
    queueMicrotask(() => this.#end({ code, reason }));
  }

  async #start(): Promise<void> {
    const { token, endpoint, protocol, WebSocket } = this.#options;
    const secret = checkToken(await token());
    const protocols = ['bearer', secret];
    this.#secrets = [secret];
    const WebSocketClass = await loadWebSocket(WebSocket);
    if (this.#isOver) return;
    const path = protocol === 'flux' ? '/v2/listen' : '/v1/listen';
    const socket = new WebSocketClass(`${endpoint}${path}?${this.#query()}`, protocols);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.#hasOpened = true;
      clearTimeout(this.#connectTimer);
      this.#handlers.onOpen({});
    };
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.#receive(data);
    socket.onclose = ({ code, reason }: LiveClose) =>
      this.#end({ code, reason }, this.#errorOf({ code, reason }));
    // A close follows.
    socket.onerror = () => undefined;
  }

  #query(): URLSearchParams {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(this.#options.parameters)) {
      for (const item of [value].flat()) query.append(name, String(item));
    }
    return query;
  }

  #send(data: string | Uint8Array<ArrayBuffer>): void {
    if (!this.#hasOpened || this.#isOver) throw new Error('The connection is not open.');
    if (this.#socket?.readyState === OPEN) this.#socket.send(data);
  }

  #receive(data: unknown): void {
    const message = parse(data);
    if (message !== undefined) {
      this.#handlers.onMessage(messageWithoutSecrets(message, this.#secrets));
      return;
    }
    this.#handlers.onWarning({
      code: 'invalid_message',
      message: 'Deepgram sent a message that is no JSON object. It was left out.',
    });
  }

  #awaitDrain(): void {
    this.#drainTimer ??= setTimeout(() => {
      this.#drainTimer = undefined;
      this.#handlers.onDrain();
      if (this.bufferedAmount > 0) this.#awaitDrain();
    }, DRAIN_MS);
  }

  #errorOf(close: LiveClose): Error | undefined {
    if (!this.#hasOpened) return connectFailed();
    return errorFromClose(close, { region: REGION, secrets: this.#secrets });
  }

  #end(close: LiveClose, error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#drainTimer);
    const socket = this.#socket;
    if (socket !== undefined) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#handlers.onClose(close, error);
  }
}

function timedOut({ connectTimeoutMs }: DirectTransportOptions): TimeoutError {
  return new TimeoutError(
    `The connection to Deepgram was not open after ${connectTimeoutMs} ms. Check the network, or raise connectTimeoutMs.`,
    { code: 'timeout', retryable: true },
  );
}

/** A browser does not say why: it may be the network, the token, or an option. */
function connectFailed(cause?: unknown): Error {
  if (TranscriptionError.isInstance(cause)) return cause;
  return new NetworkError(
    'No connection to Deepgram could be made. Check the network, that token() returns a fresh token, and the options.',
    { code: 'network', retryable: (cause as { retryable?: unknown })?.retryable !== false, cause },
  );
}

function parse(data: unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(String(data));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
