import type { ClientRequest, IncomingMessage } from 'node:http';
import type { DeepgramTransport, DeepgramTransportMessage } from '@deepgram/sdk';
import type IsomorphicWebSocket from 'isomorphic-ws';
import type { Clock, LiveClose, TimerHandle } from '../contracts/index.js';
import { TranscriptionError } from '../errors/index.js';
import type { RefusedHandshake } from './live-errors.js';

type WebSocketClass = typeof IsomorphicWebSocket;
type WebSocket = IsomorphicWebSocket;

/** What really happens to the socket. The SDK hears the same, but retells some of it wrongly. */
export interface WebSocketObserver {
  /** The handshake was answered with an upgrade. */
  onUpgrade(headers: RefusedHandshake['headers']): void;
  onRefused(answer: RefusedHandshake): void;
  onOpen(): void;
  onDrain(): void;
  onError(error: Error): void;
  /** Comes exactly once, after everything else. */
  onClose(close: LiveClose): void;
}

/** A message of Deepgram's is a few kilobytes; more than this is no transcript. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** As much of a refusal's body as is read. */
const MAX_BODY_CHARACTERS = 4096;

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

/**
 * Carries one connection of the SDK over isomorphic-ws.
 *
 * The SDK is told of openings, messages and closes only. An error is always followed by a close, and hearing
 * of it first would make the SDK close the socket with a code of its own.
 */
export class WebSocketTransport implements DeepgramTransport {
  readonly #socket: WebSocket;
  readonly #observer: WebSocketObserver;
  readonly #clock: Clock;
  readonly #openListeners: (() => void)[] = [];
  readonly #messageListeners: ((message: DeepgramTransportMessage) => void)[] = [];
  readonly #closeListeners: ((event: LiveClose) => void)[] = [];
  #grace: TimerHandle | undefined;

  constructor(
    WebSocketConstructor: WebSocketClass,
    target: { readonly url: string; readonly headers: Record<string, string> },
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
    return this.#socket.bufferedAmount;
  }

  send(data: DeepgramTransportMessage): void {
    // The SDK's audio and control messages are views and strings; a Blob never comes from this library.
    this.#socket.send(data as string | Uint8Array, () => this.#observer.onDrain());
  }

  onOpen(listener: () => void): void {
    this.#openListeners.push(listener);
  }

  onMessage(listener: (message: DeepgramTransportMessage) => void): void {
    this.#messageListeners.push(listener);
  }

  onError(): void {}

  onClose(listener: (event: LiveClose) => void): void {
    this.#closeListeners.push(listener);
  }

  isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
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

  #destroy(): void {
    if (this.#socket.terminate) this.#socket.terminate();
    else this.#socket.close();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.addEventListener('open', () => {
      for (const listener of this.#openListeners) listener();
      this.#observer.onOpen();
    });
    socket.addEventListener('message', ({ data }) => {
      for (const listener of this.#messageListeners) listener(data as string | ArrayBuffer);
    });
    socket.addEventListener('error', (event) => {
      this.#observer.onError(event.error instanceof Error ? event.error : new Error(event.message));
    });
    socket.addEventListener('close', ({ code, reason }) => {
      this.#grace?.cancel();
      for (const listener of this.#closeListeners) listener({ code, reason });
      this.#observer.onClose({ code, reason });
    });
    // Browsers show nothing of the handshake.
    if (typeof socket.on !== 'function') return;
    socket.on('upgrade', (response) => this.#observer.onUpgrade(headersOf(response)));
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
