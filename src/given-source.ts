import { isAsyncIterable, keepErrors, releaseStream } from './audio/streams.js';
import type { AudioSource, ResolvedSource } from './contracts/index.js';

/** A source that a call was handed, while the code that looks at it is loading. */
export class GivenSource {
  readonly #source: AudioSource;
  #isLookedAt = false;
  #resolved: ResolvedSource | undefined;

  constructor(source: AudioSource) {
    // The caller may change a URL meanwhile.
    this.#source = source instanceof URL ? source.href : source;
    if (typeof source === 'object' && source !== null && isAsyncIterable(source)) keepErrors(source);
  }

  /**
   * Every call returns the same one.
   *
   * @throws UnsupportedSourceError for everything that is no audio source.
   */
  resolve(resolveSource: (source: AudioSource) => ResolvedSource): ResolvedSource {
    this.#isLookedAt = true;
    this.#resolved ??= resolveSource(this.#source);
    return this.#resolved;
  }

  /** Like a call that ran, a call that was refused lets go of the stream it was given. */
  async unlessRefused<Value>(run: () => Promise<Value>): Promise<Value> {
    try {
      return await run();
    } catch (error) {
      this.#discard();
      throw error;
    }
  }

  /** What is no audio source stays the caller's: the error may say how to take the audio out of it. */
  #discard(): void {
    if (!this.#isLookedAt) void releaseStream(this.#source);
    else if (this.#resolved?.kind !== 'url') this.#resolved?.discard?.();
  }
}
