import type { Transcript } from '../contracts/index.js';
import { TranscriptionError } from '../errors/index.js';
import { type AudioChunk, toBytes } from '../streaming/audio-bytes.js';
import { observed } from '../streaming/deferred.js';
import type { LiveSession } from '../streaming/session.js';
import { ClientEvents } from './client-events.js';
import type { DirectClientOptions } from './direct-options.js';
import { notLoadedError } from './errors.js';
import { checkSupplier } from './web-socket.js';

/**
 * Opens a session at Deepgram itself. Returns at once, and takes audio at once. Throws a BadRequestError where `token` is
 * no function; with other wrong options the session ends at once, with such an error.
 */
export function createDirectClient(options: DirectClientOptions): DirectClient {
  checkSupplier(options.token ?? null);
  return new DirectClient({ ...options, options: { ...options.options } });
}

/**
 * A live session at Deepgram. Its connections break, and no word is lost: what was not final is sent again.
 *
 * The code of the session is loaded with the first client; what is asked of it meanwhile is kept.
 */
export class DirectClient extends ClientEvents {
  readonly #session: Promise<LiveSession>;

  /** @internal Use `createDirectClient()`. */
  constructor(options: DirectClientOptions) {
    super();
    this.#session = observed(this.#open(options));
  }

  /**
   * Takes audio, also before there is a connection. A microphone need not await it; who reads a file should: it settles
   * when there is room for more. Rejects with code `live_ended` after `finish()`, and with `unsupported_source` for what
   * is no bytes.
   */
  send(chunk: AudioChunk): Promise<void> {
    return observed(this.#send(chunk));
  }

  /** Asks for the final results of what was sent so far. Settles when they have come, after 5 s at the latest. */
  finalize(): Promise<void> {
    return observed(this.#session.then((session) => session.finalize()));
  }

  /** Flux alone: changes thresholds and terms while the stream runs. The message is that of Deepgram's Configure. */
  configure(message: Readonly<Record<string, unknown>>): Promise<void> {
    return observed(this.#session.then((session) => session.configure(message)));
  }

  /** Sends what is left, waits for the last results and returns the transcript. Rejects with the session's error. */
  finish(): Promise<Transcript> {
    return observed(this.#session.then((session) => session.finish()));
  }

  /** Ends it at once. `finish()` then rejects with an AbortedError. */
  abort(reason?: unknown): void {
    void this.#session.then((session) => session.abort(reason)).catch(() => undefined);
  }

  async #send(chunk: AudioChunk): Promise<void> {
    // The caller may use the bytes again at once.
    const bytes = new Uint8Array(toBytes(chunk));
    return (await this.#session).send(bytes);
  }

  async #open(options: DirectClientOptions): Promise<LiveSession> {
    try {
      const { openDirectSession } = await import('./direct-session.js');
      return openDirectSession(options, {
        onState: () => undefined,
        onEvent: (event) => {
          this.tell(event);
          const { type } = event;
          if (type === 'open') this.enter('open');
          else if (type === 'reconnecting' && this.state === 'open') this.enter('reconnecting');
          else if (type === 'end') this.enter('closed');
        },
      });
    } catch (cause) {
      const error = TranscriptionError.isInstance(cause) ? cause : notLoadedError(cause);
      this.tell({ type: 'error', error });
      this.tell({ type: 'end' });
      this.enter('closed');
      throw error;
    }
  }
}
