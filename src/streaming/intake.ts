import type { Clock, LiveStats, Transcript } from '../contracts/index.js';
import type { AudioChunk } from './audio-bytes.js';
import { discardSource, mayBeEndless } from './byte-source.js';
import { observed } from './deferred.js';
import { endedError } from './end-errors.js';
import type { Outbox } from './outbox.js';
import { pipe } from './pipe.js';
import type { LiveSession } from './session.js';
import { pipeBusyError } from './session-errors.js';
import type { LiveControls, PipeOptions } from './session-types.js';

/**
 * Where the caller's audio comes in: chunk by chunk, or from one source at a time. A finish waits for the end
 * of the source that is being read, so that nothing of it is cut off.
 */
export class Intake implements LiveControls {
  readonly #outbox: Outbox;
  readonly #session: LiveSession;
  readonly #clock: Clock;
  /** Set while a source is being read; aborting it ends the reading. */
  #reading: { readonly stop: AbortController; readonly mayBeEndless: boolean } | undefined;
  #finishAsked = false;

  constructor(session: LiveSession, clock: Clock) {
    this.#outbox = session.outbox;
    this.#session = session;
    this.#clock = clock;
  }

  get opened(): Promise<void> {
    return this.#session.opened;
  }

  get outcome(): Promise<Transcript> {
    return this.#session.outcome;
  }

  send(chunk: AudioChunk): Promise<void> {
    if (this.#finishAsked) return this.#refuse();
    return this.#outbox.pass(chunk) ?? this.#session.send(chunk);
  }

  finalize(): Promise<void> {
    return this.#finishAsked ? this.#refuse() : this.#session.finalize();
  }

  configure(message: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#finishAsked ? this.#refuse() : this.#session.configure(message);
  }

  pipeFrom(source: unknown, options: PipeOptions): Promise<void> {
    if (this.#finishAsked || !this.#session.takesAudio) {
      discardSource(source);
      return this.#refuse();
    }
    if (this.#reading !== undefined) {
      // Whoever does not await the promise must hear of it too.
      const error = pipeBusyError();
      this.#session.warn('pipe_refused', error.message);
      return observed(Promise.reject(error));
    }
    const reading = { stop: new AbortController(), mayBeEndless: mayBeEndless(source) };
    this.#reading = reading;
    return observed(this.#pipe(source, options, reading.stop.signal));
  }

  finish(): Promise<Transcript> {
    if (this.#reading === undefined || this.#session.ended) return this.#session.finish();
    if (!this.#finishAsked && this.#reading.mayBeEndless) {
      this.#session.warn(
        'finish_waits',
        'finish() waits for the stream of pipeFrom() to end. Where it is a microphone, end it, or call stop() instead.',
      );
    }
    this.#finishAsked = true;
    return this.#session.outcome;
  }

  /** Ends the reading of a source now, and then finishes. */
  stop(): Promise<Transcript> {
    if (this.#reading === undefined || this.#session.ended) return this.#session.finish();
    this.#finishAsked = true;
    this.#reading.stop.abort();
    return this.#session.outcome;
  }

  abort(reason?: unknown): void {
    this.#session.abort(reason);
  }

  partial(): Transcript {
    return this.#session.partial();
  }

  stats(): LiveStats {
    return this.#session.stats();
  }

  async #pipe(source: unknown, options: PipeOptions, stopping: AbortSignal): Promise<void> {
    try {
      await pipe(source, this.#session, this.#clock, options, stopping);
    } finally {
      this.#reading = undefined;
    }
    if (!options.preventFinish || this.#finishAsked) await this.#session.finish();
  }

  #refuse(): Promise<never> {
    const { ended, over } = this.#session;
    return observed(Promise.reject(endedError(ended ? over.reason : undefined)));
  }
}
