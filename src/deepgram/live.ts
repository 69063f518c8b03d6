import type {
  Clock,
  LiveClose,
  LiveConnection,
  LiveConnectionHandlers,
  LiveControl,
  LiveProtocol,
  LiveTransport,
  TimerHandle,
} from '../contracts/index.js';
import { TimeoutError, toTranscriptionError } from '../errors/index.js';
import { type CredentialsProvider, secretOf } from './credentials.js';
import { type ConnectionFacts, connectFailed, errorFromClose, handshakeRefused } from './live-errors.js';
import { createLiveRequest, type LiveParameters, type LiveRequest } from './live-request.js';
import { requestIdOf } from './map-error.js';
import { messageWithoutSecrets, withoutSecrets } from './quoted-secrets.js';
import { loadSdk } from './sdk.js';
import { LiveSocket, loadWebSocket, type WebSocketClass, type WebSocketObserver } from './web-socket.js';

export interface LiveTransportOptions {
  /** Deepgram's http(s) URL. */
  readonly endpoint: string;
  /** Name of the region, for events and errors. */
  readonly region: string;
  /** Asked once for each connection. */
  readonly credentials: CredentialsProvider;
  /** Validated. */
  readonly parameters: LiveParameters;
  /** Longest wait from `connect()` to the open connection, credentials included. */
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  /** Default `v1`. */
  readonly protocol?: LiveProtocol | undefined;
}

/** Opens live connections to Deepgram's `/v1/listen`, or to `/v2/listen` where the protocol is Flux. */
export function createLiveTransport(options: LiveTransportOptions): LiveTransport {
  const { endpoint, region, credentials, parameters, connectTimeoutMs, clock, protocol = 'v1' } = options;
  // No spread: V8 makes a hidden class of its own for each object that comes of one.
  const connection: ConnectionOptions = {
    endpoint,
    region,
    credentials,
    parameters,
    connectTimeoutMs,
    clock,
    protocol,
  };
  return { region, protocol, connect: (handlers) => new DeepgramLiveConnection(connection, handlers) };
}

type ConnectionOptions = LiveTransportOptions & { readonly protocol: LiveProtocol };

/** One connection. The SDK makes the request; everything else is read from the WebSocket and written to it. */
class DeepgramLiveConnection implements LiveConnection {
  readonly #options: ConnectionOptions;
  readonly #handlers: LiveConnectionHandlers;
  readonly #connectTimer: TimerHandle;
  #socket: LiveSocket | undefined;
  #requestId: string | undefined;
  #secrets: readonly string[] = [];
  #opened = false;
  #closing = false;
  #ended = false;
  /** Why the connection fails. It is told together with the close that follows. */
  #failure: Error | undefined;

  constructor(options: ConnectionOptions, handlers: LiveConnectionHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#connectTimer = options.clock.setTimer(() => this.#timedOut(), options.connectTimeoutMs);
    void this.#start();
  }

  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  sendAudio(chunk: Uint8Array): void {
    this.#openSocket().send(chunk);
  }

  sendControl(control: LiveControl): void {
    if (this.#options.protocol === 'flux' && control !== 'CloseStream') {
      throw new Error(`Flux knows no ${control}.`);
    }
    this.#openSocket().send(JSON.stringify({ type: control }));
  }

  configure(message: Readonly<Record<string, unknown>>): void {
    if (this.#options.protocol !== 'flux') throw new Error('Only Flux can be configured while it runs.');
    this.#openSocket().send(JSON.stringify({ ...message, type: 'Configure' }));
  }

  /** True also while the far end closes: where it never completes that, no pong comes, and the end is noticed. */
  ping(): boolean {
    if (this.#socket === undefined || !this.#opened || this.#closing || this.#ended) return false;
    return this.#socket.ping();
  }

  close(code = 1000, reason = ''): void {
    if (this.#closing || this.#ended) return;
    this.#closing = true;
    this.#connectTimer.cancel();
    if (this.#socket === undefined) queueMicrotask(() => this.#end({ code, reason }));
    else this.#socket.close(code, reason);
  }

  async #start(): Promise<void> {
    try {
      const credentials = await this.#options.credentials();
      this.#secrets = [secretOf(credentials)];
      const [sdk, WebSocket] = await Promise.all([loadSdk(), loadWebSocket()]);
      const request = await createLiveRequest({ ...this.#options, sdk, credentials });
      if (this.#closing || this.#ended) return;
      this.#socket = this.#createSocket(WebSocket, request);
    } catch (error) {
      this.#end({ code: 1006, reason: '' }, toTranscriptionError(error));
    }
  }

  #createSocket(WebSocket: WebSocketClass, request: LiveRequest): LiveSocket {
    try {
      return new LiveSocket(WebSocket, request, this.#observer(), this.#options.clock);
    } catch (cause) {
      throw connectFailed(cause, this.#facts());
    }
  }

  #observer(): WebSocketObserver {
    return {
      onUpgrade: (headers) => {
        this.#requestId = requestIdOf(headers['dg-request-id'], this.#secrets);
      },
      onRefused: (answer) => {
        this.#requestId = requestIdOf(answer.headers['dg-request-id'], this.#secrets);
        this.#failure ??= handshakeRefused(answer, this.#facts(), this.#options.clock.wallMs());
      },
      onOpen: () => this.#open(),
      onMessage: (data) => this.#receive(data),
      onPong: () => {
        if (!this.#ended && !this.#closing) this.#handlers.onPong();
      },
      onDrain: () => {
        if (!this.#ended) this.#handlers.onDrain();
      },
      onError: (error) => {
        if (!this.#opened) this.#failure ??= connectFailed(error, this.#facts());
      },
      onClose: (close) => this.#closed(close),
    };
  }

  #open(): void {
    if (this.#closing || this.#ended) return;
    this.#opened = true;
    this.#connectTimer.cancel();
    this.#handlers.onOpen(this.#requestId === undefined ? {} : { requestId: this.#requestId });
  }

  #receive(data: string | ArrayBuffer): void {
    if (this.#ended || this.#closing) return;
    const message = typeof data === 'string' ? parseObject(data) : undefined;
    if (message !== undefined) {
      this.#hand(messageWithoutSecrets(message, this.#secrets));
      return;
    }
    this.#handlers.onWarning({
      code: 'invalid_message',
      message: 'Deepgram sent a message that is no JSON object. It was left out.',
    });
  }

  /** A message that this library cannot handle must not end the process. */
  #hand(message: Readonly<Record<string, unknown>>): void {
    try {
      this.#handlers.onMessage(message);
    } catch (cause) {
      this.#end({ code: 1006, reason: '' }, toTranscriptionError(cause));
    }
  }

  #timedOut(): void {
    const { connectTimeoutMs, region } = this.#options;
    this.#failure ??= new TimeoutError(
      `The connection to Deepgram was not open after ${connectTimeoutMs} ms. Check the network, or raise connectTimeoutMs.`,
      { code: 'timeout', region, retryable: true },
    );
    this.#end({ code: 1006, reason: '' }, this.#failure);
  }

  #closed({ code, reason }: LiveClose): void {
    const close = { code, reason: withoutSecrets(reason, this.#secrets) };
    this.#end(close, this.#failure ?? errorFromClose(close, this.#facts()));
  }

  #end(close: LiveClose, error?: Error): void {
    if (this.#ended) return;
    const asked = this.#closing;
    this.#ended = true;
    this.#connectTimer.cancel();
    // Ends an attempt that is still under way.
    this.#socket?.close();
    if (error === undefined || asked) this.#handlers.onClose(close);
    else this.#handlers.onClose(close, error);
  }

  #openSocket(): LiveSocket {
    if (this.#socket === undefined || !this.#opened || this.#ended) {
      throw new Error('The connection is not open.');
    }
    return this.#socket;
  }

  #facts(): ConnectionFacts {
    return { region: this.#options.region, requestId: this.#requestId, secrets: this.#secrets };
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
