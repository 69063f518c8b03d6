import type { BridgeEvent, BridgeMessage, LiveEvent, Transcript } from '../contracts/index.js';
import type { ErrorCode } from '../errors/index.js';
import { type AudioChunk, toBytes } from '../streaming/audio-bytes.js';
import { deferred, observed } from '../streaming/deferred.js';
import { BridgeConnection } from './bridge-connection.js';
import {
  abortedError,
  endedError,
  fatalCloseError,
  givenUpError,
  isFinal,
  overflowError,
} from './bridge-errors.js';
import { ClientEvents } from './client-events.js';
import { createError } from './errors.js';
import {
  type LiveClientOptions,
  type LiveClientSettings,
  resolveLiveClientOptions,
} from './live-client-options.js';
import { Reconnection } from './reconnection.js';
import { SendBuffer } from './send-buffer.js';

/** Audio in one message. */
const MESSAGE_BYTES = 8192;
/** Bytes that may wait in the socket, and in front of it before `send()` waits. */
const ROOM_BYTES = 262_144;
const DRAIN_MS = 50;
/** A multiple of the bytes of all channels' samples. */
const ALIGNMENT = 64;

/** Opens a session at the bridge. Returns at once, and takes audio at once. Throws a BadRequestError for a wrong option. */
export function createLiveClient(options: LiveClientOptions): LiveClient {
  return new LiveClient(resolveLiveClientOptions(options));
}

/**
 * A live session at the bridge. What is sent is kept until the bridge has confirmed it, and sent again on the next
 * connection where one breaks.
 */
export class LiveClient extends ClientEvents {
  readonly #settings: LiveClientSettings;
  readonly #buffer: SendBuffer;
  readonly #reconnection: Reconnection;
  readonly #outcome = deferred<Transcript | undefined>();
  #connection: BridgeConnection | undefined;
  /** The secret of the session, from the first `ready` on. */
  #session: string | undefined;
  #received = 0;
  /** The bridge has said from where on it needs audio. */
  #isReady = false;
  #isPaused = false;
  /** The next byte to send, in the buffer. */
  #sent = 0;
  /** Bytes that were lost: by so many the positions at the bridge are behind those in the buffer. */
  #lost = 0;
  /** Where the audio was when it was asked for; it is asked again on the next connection until it was answered. */
  #finalizeAt: number | undefined;
  #finalizeSent = false;
  #finishing = false;
  #finishSent = false;
  #failure: Error | undefined;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  #waiting: (() => void)[] = [];

  /** @internal Use `createLiveClient()`. */
  constructor(settings: LiveClientSettings) {
    super();
    this.#settings = settings;
    this.#buffer = new SendBuffer(settings.bufferBytes);
    this.#reconnection = new Reconnection(settings.giveUpAfterMs, () => this.#connect());
  }

  /**
   * Takes audio, also before there is a connection. A microphone need not await it; who reads a file should: it settles
   * when there is room for more. Rejects with code `live_ended` after `finish()`, and with `unsupported_source` for what
   * is no bytes.
   */
  send(chunk: AudioChunk): Promise<void> {
    if (this.#finishing || this.state === 'closed') return observed(Promise.reject(endedError()));
    try {
      this.#buffer.append(toBytes(chunk));
    } catch (error) {
      return observed(Promise.reject(error));
    }
    this.#pump();
    return this.#hasRoom() ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Asks for the final results of what was sent so far. */
  finalize(): void {
    this.#finalizeAt = this.#buffer.end;
    this.#finalizeSent = false;
    this.#pump();
  }

  /**
   * Sends what is left and waits for the last results. Every call returns the same promise: the transcript, or undefined
   * where the bridge keeps it to itself. Rejects with the session's error.
   */
  finish(): Promise<Transcript | undefined> {
    this.#finishing = true;
    this.#pump();
    return this.#outcome.promise;
  }

  /** Ends it at once. `finish()` then rejects with an AbortedError. */
  abort(reason?: unknown): void {
    this.#fail(abortedError(reason));
  }

  #connect(): void {
    const { options } = this.#settings;
    this.#connection = new BridgeConnection(
      this.#settings,
      this.#session === undefined
        ? { type: 'start', options }
        : { type: 'start', session: this.#session, received: this.#received },
      {
        onMessage: (message) => this.#receive(message),
        onLatency: (milliseconds) => this.emit({ type: 'latency', milliseconds }),
        onClose: (code, reason, cause) => this.#closed(code, reason, cause),
      },
    );
  }

  #receive(message: BridgeMessage): void {
    switch (message.type) {
      case 'ready':
        this.#session = message.session;
        this.#reconnection.connected();
        this.#sent = message.position + this.#lost;
        this.#buffer.release(this.#sent);
        this.#isReady = true;
        this.#isPaused = this.#finalizeSent = this.#finishSent = false;
        this.enter('open');
        break;
      case 'ack':
        this.#buffer.release(message.position + this.#lost);
        break;
      case 'pause':
      case 'resume':
        this.#isPaused = message.type === 'pause';
        if (this.#connection !== undefined) this.#connection.isPaused = this.#isPaused;
        break;
      case 'event':
        // After a reconnect the bridge sends again what may not have arrived.
        if (message.seq > this.#received) {
          this.#received = message.seq;
          this.#hear(message.event);
        }
        break;
      default:
    }
    this.#pump();
  }

  #hear(event: BridgeEvent): void {
    if (event.type === 'final' && event.fromFinalize) this.#finalizeAt = undefined;
    if (event.type === 'error') {
      const { name, message, code, retryable } = event.error;
      this.#failure = createError(name, message, { code: code as ErrorCode, retryable });
      this.tell({ type: 'error', error: this.#failure });
    } else if (event.type === 'end') {
      this.#end(event);
    } else {
      this.tell(event);
    }
  }

  #pump(): void {
    const connection = this.#connection;
    if (!this.#isReady || this.#isPaused || connection === undefined) return;
    while (connection.bufferedAmount < ROOM_BYTES) {
      if (this.#sent < this.#buffer.start) this.#skip();
      const audio = this.#buffer.read(this.#sent, MESSAGE_BYTES);
      if (audio === undefined) break;
      connection.sendAudio(this.#sent - this.#lost, audio);
      this.#sent += audio.length;
    }
    if (!this.#finalizeSent && this.#finalizeAt !== undefined && this.#sent >= this.#finalizeAt) {
      this.#finalizeSent = true;
      connection.send({ type: 'finalize' });
    }
    if (this.#sent < this.#buffer.end) {
      // Browsers do not tell when a socket has room again.
      this.#drainTimer ??= setTimeout(() => {
        this.#drainTimer = undefined;
        this.#pump();
      }, DRAIN_MS);
    } else if (this.#finishing && !this.#finishSent) {
      this.#finishSent = true;
      connection.send({ type: 'finish' });
    }
    if (this.#hasRoom()) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** The next audio has been pushed out. It is cut out, at whole samples; a container is of no use without it. */
  #skip(): void {
    const { bytesPerSecond } = this.#settings;
    if (bytesPerSecond === undefined) {
      this.#fail(overflowError());
      return;
    }
    const from = (this.#sent - this.#lost) / bytesPerSecond;
    const bytes = Math.ceil((this.#buffer.start - this.#sent) / ALIGNMENT) * ALIGNMENT;
    this.#sent += bytes;
    this.#lost += bytes;
    this.tell({ type: 'gap', from, to: from + bytes / bytesPerSecond, reason: 'no-room' });
  }

  #hasRoom(): boolean {
    const { start, end } = this.#buffer;
    return end - this.#sent <= ROOM_BYTES && end - start <= 0.75 * this.#settings.bufferBytes;
  }

  #closed(code: number, reason: string, cause: unknown): void {
    this.#connection = undefined;
    this.#isReady = false;
    const { giveUpAfterMs } = this.#settings;
    const fatal = fatalCloseError(code, reason);
    if (fatal !== undefined) this.#fail(fatal);
    else if (isFinal(cause)) this.#fail(cause);
    else if (!this.#reconnection.lost(code)) this.#fail(givenUpError(code, giveUpAfterMs, cause));
    else if (this.#session !== undefined) this.enter('reconnecting');
  }

  #fail(error: Error): void {
    if (this.state === 'closed') return;
    this.#failure = error;
    this.tell({ type: 'error', error });
    this.#end({ type: 'end' });
  }

  #end(event: Extract<LiveEvent, { type: 'end' }>): void {
    if (this.state === 'closed') return;
    this.#reconnection.stop();
    clearTimeout(this.#drainTimer);
    this.#connection?.close();
    this.#connection = undefined;
    this.#isReady = false;
    this.#buffer.release(this.#buffer.end);
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.#failure === undefined) this.#outcome.resolve(event.transcript);
    else this.#outcome.reject(this.#failure);
    this.tell(event);
    this.enter('closed');
  }
}
