import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type IsomorphicWebSocket from 'isomorphic-ws';
import type { Clock, LiveClose, TimerHandle } from '../contracts/index.js';
import { TranscriptionError } from '../errors/index.js';
import { isEncrypted, MAX_FRAME_BYTES, whenLeft, writeFrame } from './frame-writer.js';
import type { RefusedHandshake } from './live-errors.js';
import type { LiveRequest } from './live-request.js';

export type WebSocketClass = typeof IsomorphicWebSocket;
type WebSocket = IsomorphicWebSocket;

/** What happens to the socket. */
export interface WebSocketObserver {
  /** The handshake was answered with an upgrade. */
  onUpgrade(headers: RefusedHandshake['headers']): void;
  onRefused(answer: RefusedHandshake): void;
  onOpen(): void;
  onMessage(data: string | ArrayBuffer): void;
  onPong(): void;
  /** Bytes that had to wait have left the process. */
  onDrain(): void;
  onError(error: Error): void;
  /** Comes exactly once, after everything else. */
  onClose(close: LiveClose): void;
}

/** A message of Deepgram's is a few kilobytes; more than this is no transcript. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** As much of a refusal's body as is read. */
const MAX_BODY_CHARACTERS = 4096;

/** TLS holds what it is given for a turn of the event loop. As much of that has not had to wait. */
const ENCRYPTING_BYTES = 64 * 1024;

/** How long a closing handshake may take before the socket is destroyed. */
const CLOSE_GRACE_MS = 1000;

/** Loads the WebSocket library at the first call. The module loader keeps it. */
export async function loadWebSocket(): Promise<WebSocketClass> {
  try {
    return (await import('isomorphic-ws')).default;
  } catch (cause) {
    throw new TranscriptionError(
      'The package isomorphic-ws could not be loaded. Run: npm install isomorphic-ws ws',
      {
        code: 'internal',
        cause,
      },
    );
  }
}

/** One WebSocket of isomorphic-ws. */
export class LiveSocket {
  readonly #socket: WebSocket;
  /** What lies beneath it: audio is written there. Undefined before the connection is open, and where it is none of Node's. */
  #stream: Socket | undefined;
  /** Bytes did not leave when they were sent. */
  #isWaiting = false;
  /** As much may be buffered without having to wait. */
  #passingBytes = 0;
  readonly #observer: WebSocketObserver;
  readonly #clock: Clock;
  #grace: TimerHandle | undefined;

  constructor(
    WebSocketConstructor: WebSocketClass,
    target: LiveRequest,
    observer: WebSocketObserver,
    clock: Clock,
  ) {
    this.#observer = observer;
    this.#clock = clock;
    this.#socket = new WebSocketConstructor(target.url, [], {
      headers: target.headers,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
    });
    this.#socket.binaryType = 'arraybuffer';
    this.#listen();
  }

  get bufferedAmount(): number {
    return this.#stream?.writableLength ?? this.#socket.bufferedAmount;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** What a closing socket does not take any more is lost. */
  send(data: string | Uint8Array): void {
    if (!this.isOpen) return;
    const stream = this.#stream;
    if (stream === undefined || typeof data === 'string' || data.length > MAX_FRAME_BYTES) {
      this.#socket.send(data, this.#onSent);
      this.#isWaiting ||= this.bufferedAmount > this.#passingBytes;
    } else if (this.#isWaiting || this.#passingBytes > 0) {
      this.#isWaiting ||= stream.writableLength > 0;
      writeFrame(stream, data, this.#onSent);
    } else {
      // Nearly every frame leaves at once, and a callback makes Node queue a task for it.
      writeFrame(stream, data);
      if (stream.writableLength > 0) this.#wait(stream);
    }
  }

  #wait(stream: Socket): void {
    this.#isWaiting = true;
    whenLeft(stream, this.#onSent);
  }

  /** False where the platform has no pings. */
  ping(): boolean {
    if (typeof this.#socket.ping !== 'function') return false;
    if (this.isOpen) this.#socket.ping();
    return true;
  }

  /** Ends the socket, or the attempt to open one. Safe to call at any time. */
  close(code = 1000, reason = ''): void {
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    if (this.#socket.readyState === this.#socket.CONNECTING) {
      this.#destroy();
      return;
    }
    this.#grace ??= this.#clock.setTimer(() => this.#destroy(), CLOSE_GRACE_MS);
    this.#socket.close(code, reason);
  }

  readonly #onSent = (): void => {
    if (!this.#isWaiting) return;
    this.#isWaiting = this.bufferedAmount > 0;
    this.#observer.onDrain();
  };

  #destroy(): void {
    if (this.#socket.terminate) this.#socket.terminate();
    else this.#socket.close();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.addEventListener('open', () => this.#observer.onOpen());
    socket.addEventListener('message', ({ data }) => this.#observer.onMessage(data as string | ArrayBuffer));
    socket.addEventListener('error', (event) => {
      this.#observer.onError(event.error instanceof Error ? event.error : new Error(event.message));
    });
    socket.addEventListener('close', ({ code, reason }) => {
      this.#grace?.cancel();
      this.#observer.onClose({ code, reason });
    });
    // Browsers show neither the handshake nor pongs.
    if (typeof socket.on !== 'function') return;
    socket.on('pong', () => this.#observer.onPong());
    socket.on('upgrade', (response) => {
      this.#stream = response.socket;
      if (isEncrypted(response.socket)) this.#passingBytes = ENCRYPTING_BYTES;
      this.#observer.onUpgrade(headersOf(response));
    });
    socket.on('unexpected-response', (request, response) => this.#refused(request, response));
  }

  #refused(_request: ClientRequest, response: IncomingMessage): void {
    let body = '';
    let told = false;
    const tell = (): void => {
      if (told) return;
      told = true;
      this.#observer.onRefused({ status: response.statusCode ?? 0, headers: headersOf(response), body });
      this.#destroy();
    };
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      body += text.slice(0, MAX_BODY_CHARACTERS - body.length);
      if (body.length >= MAX_BODY_CHARACTERS) tell();
    });
    response.on('error', tell);
    response.on('close', tell);
    response.on('end', tell);
  }
}

function headersOf(response: IncomingMessage): RefusedHandshake['headers'] {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  );
}
