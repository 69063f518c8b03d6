import type { DeepgramTransportRequest } from '@deepgram/sdk';
import type {
  Clock,
  LiveClose,
  LiveConnection,
  LiveConnectionHandlers,
  LiveControl,
  LiveTransport,
  TimerHandle,
} from '../contracts/index.js';
import { TimeoutError, toTranscriptionError } from '../errors/index.js';
import { type Credentials, type CredentialsProvider, secretOf } from './credentials.js';
import { type ConnectionFacts, connectFailed, errorFromClose, handshakeRefused } from './live-errors.js';
import { type DeepgramSdk, loadSdk } from './sdk.js';
import { loadWebSocket, type WebSocketObserver, WebSocketTransport } from './web-socket.js';

type Scalar = string | number | boolean;

export interface LiveTransportOptions {
  /** Deepgram's http(s) URL. */
  readonly endpoint: string;
  /** Name of the region, for events and errors. */
  readonly region: string;
  /** Asked once for each connection. */
  readonly credentials: CredentialsProvider;
  /** Validated query parameters, under Deepgram's names. */
  readonly parameters: Readonly<Record<string, Scalar | readonly Scalar[]>> & { readonly model: string };
  /** Longest wait from `connect()` to the open connection, credentials included. */
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
}

type SdkSocket = Awaited<
  ReturnType<InstanceType<DeepgramSdk['DeepgramClient']>['listen']['v1']['createConnection']>
>;

/** The SDK's own time-out must never be the first: it reports what it ends as a normal close. */
const SDK_TIMEOUT_SECONDS = 2_000_000;

/** Opens live connections to Deepgram's `/v1/listen`. */
export function createLiveTransport(options: LiveTransportOptions): LiveTransport {
  return {
    region: options.region,
    connect: (handlers) => new DeepgramLiveConnection(options, handlers),
  };
}

/**
 * One connection. The SDK builds the request and parses the messages; whether the connection is open, failed
 * or closed is read from the WebSocket itself.
 */
class DeepgramLiveConnection implements LiveConnection {
  readonly #options: LiveTransportOptions;
  readonly #handlers: LiveConnectionHandlers;
  readonly #connectTimer: TimerHandle;
  #sdkSocket: SdkSocket | undefined;
  #transport: WebSocketTransport | undefined;
  #requestId: string | undefined;
  #secrets: readonly string[] = [];
  #opened = false;
  #closing = false;
  #ended = false;
  /** Why the connection fails. It is told together with the close that follows. */
  #failure: Error | undefined;

  constructor(options: LiveTransportOptions, handlers: LiveConnectionHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#connectTimer = options.clock.setTimer(() => this.#timedOut(), options.connectTimeoutMs);
    void this.#start();
  }

  get bufferedAmount(): number {
    return this.#transport?.bufferedAmount ?? 0;
  }

  sendAudio(chunk: Uint8Array): void {
    const socket = this.#openSocket();
    // The SDK would keep what a closing socket does not take any more.
    if (this.#transport?.isOpen()) socket.sendMedia(chunk);
  }

  sendControl(control: LiveControl): void {
    const socket = this.#openSocket();
    if (control === 'KeepAlive') socket.sendKeepAlive({ type: control });
    else if (control === 'Finalize') socket.sendFinalize({ type: control });
    else socket.sendCloseStream({ type: control });
  }

  close(code = 1000, reason = ''): void {
    if (this.#closing || this.#ended) return;
    this.#closing = true;
    this.#connectTimer.cancel();
    if (this.#transport === undefined) queueMicrotask(() => this.#end({ code, reason }));
    else this.#transport.close(code, reason);
  }

  async #start(): Promise<void> {
    try {
      const credentials = await this.#options.credentials();
      this.#secrets = [secretOf(credentials)];
      const [sdk, WebSocketClass] = await Promise.all([loadSdk(), loadWebSocket()]);
      const socket = await this.#createSocket(sdk, credentials, (request) => {
        this.#transport = new WebSocketTransport(
          WebSocketClass,
          request,
          this.#observer(),
          this.#options.clock,
        );
        return this.#transport;
      });
      if (this.#closing || this.#ended) return;
      this.#sdkSocket = socket;
      socket.on('message', (message) => this.#receive(message));
      socket.connect();
    } catch (error) {
      this.#end({ code: 1006, reason: '' }, toTranscriptionError(error));
    }
  }

  #createSocket(
    sdk: DeepgramSdk,
    credentials: Credentials,
    open: (request: DeepgramTransportRequest) => WebSocketTransport,
  ): Promise<SdkSocket> {
    const { endpoint, parameters } = this.#options;
    const webSocketUrl = endpoint.replace(/^http/i, 'ws').replace(/\/+$/, '');
    const Authorization = authorization(credentials);
    const client = new sdk.DeepgramClient({
      auth: async () => ({ headers: { Authorization } }),
      environment: { base: endpoint, production: webSocketUrl, agent: webSocketUrl, agentRest: endpoint },
      transportFactory: (_url, _headers, request) => this.#openTransport(request, open),
      reconnect: false,
    });
    return client.listen.v1.createConnection({
      model: parameters.model,
      queryParams: parameters,
      reconnectAttempts: 0,
      connectionTimeoutInSeconds: SDK_TIMEOUT_SECONDS,
    });
  }

  /** What the SDK catches here it would only hide. */
  #openTransport(
    request: DeepgramTransportRequest,
    open: (request: DeepgramTransportRequest) => WebSocketTransport,
  ): WebSocketTransport {
    try {
      return open(request);
    } catch (cause) {
      this.#end({ code: 1006, reason: '' }, connectFailed(cause, this.#facts()));
      throw cause;
    }
  }

  #observer(): WebSocketObserver {
    return {
      onUpgrade: (headers) => {
        this.#requestId = headers['dg-request-id'];
      },
      onRefused: (answer) => {
        this.#requestId = answer.headers['dg-request-id'];
        this.#failure ??= handshakeRefused(answer, this.#facts(), this.#options.clock.wallMs());
      },
      onOpen: () => this.#open(),
      onDrain: () => {
        if (!this.#ended) this.#handlers.onDrain();
      },
      onError: (error) => {
        if (!this.#opened) this.#failure ??= connectFailed(error, this.#facts());
      },
      onClose: (close) => this.#end(close, this.#failure ?? errorFromClose(close, this.#facts())),
    };
  }

  #open(): void {
    if (this.#closing || this.#ended) return;
    this.#opened = true;
    this.#connectTimer.cancel();
    this.#handlers.onOpen(this.#requestId === undefined ? {} : { requestId: this.#requestId });
  }

  /** The SDK hands over text that is no JSON as a string, and binary messages as a Blob. */
  #receive(message: unknown): void {
    if (this.#ended || this.#closing) return;
    if (typeof message === 'object' && message !== null && !isBinary(message) && !Array.isArray(message)) {
      this.#handlers.onMessage(message as Readonly<Record<string, unknown>>);
      return;
    }
    this.#handlers.onWarning({
      code: 'invalid_message',
      message: 'Deepgram sent a message that is no JSON object. It was left out.',
    });
  }

  #timedOut(): void {
    const { connectTimeoutMs, region } = this.#options;
    this.#failure ??= new TimeoutError(
      `The connection to Deepgram was not open after ${connectTimeoutMs} ms. Check the network, or raise connectTimeoutMs.`,
      { code: 'timeout', region, retryable: true },
    );
    this.#end({ code: 1006, reason: '' }, this.#failure);
  }

  #end(close: LiveClose, error?: Error): void {
    if (this.#ended) return;
    const asked = this.#closing;
    this.#ended = true;
    this.#connectTimer.cancel();
    // Clears the SDK's timer, and ends an attempt that is still under way.
    this.#sdkSocket?.close();
    this.#transport?.close();
    if (error === undefined || asked) this.#handlers.onClose(close);
    else this.#handlers.onClose(close, error);
  }

  #openSocket(): SdkSocket {
    if (this.#sdkSocket === undefined || !this.#opened || this.#ended) {
      throw new Error('The connection is not open.');
    }
    return this.#sdkSocket;
  }

  #facts(): ConnectionFacts {
    return { region: this.#options.region, requestId: this.#requestId, secrets: this.#secrets };
  }
}

function isBinary(message: object): boolean {
  return message instanceof Blob || message instanceof ArrayBuffer || ArrayBuffer.isView(message);
}

/** The provider has checked that a header can carry it. */
function authorization(credentials: Credentials): string {
  return `${credentials.kind === 'key' ? 'Token' : 'Bearer'} ${secretOf(credentials)}`;
}
