const DONE = { done: true, value: undefined } as const;

/**
 * The chunks of a generator, which can be returned at any time. The generator's own return() would wait for a read
 * that is under way, and a source that stands still would be held for ever; before the first read it would do nothing.
 */
export class PromptChunks implements AsyncIterableIterator<Uint8Array> {
  readonly #generator: AsyncGenerator<Uint8Array>;
  readonly #letGo: () => void;
  #hasBegun = false;
  #reads = 0;
  #returned = false;

  /** @param letGo Lets go of the source, without waiting for it, where the generator cannot do so now. */
  constructor(generator: AsyncGenerator<Uint8Array>, letGo: () => void) {
    this.#generator = generator;
    this.#letGo = letGo;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    this.#hasBegun = true;
    this.#reads += 1;
    try {
      const step = await this.#generator.next();
      return this.#returned ? DONE : step;
    } catch (error) {
      // Nobody listens to a read that was given up, and its error comes of that.
      if (this.#returned) return DONE;
      throw error;
    } finally {
      this.#reads -= 1;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#returned = true;
    const ended = this.#generator.return(undefined);
    if (this.#reads > 0 || !this.#hasBegun) {
      ended.catch(() => undefined);
      this.#letGo();
    } else await ended;
    return DONE;
  }
}
