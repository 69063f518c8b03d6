const DONE = { done: true, value: undefined } as const;

/**
 * The chunks of a generator, which can be returned while a read is waiting: the generator's own return() would wait
 * for the read, and a source that stands still would be held for ever.
 */
export class PromptChunks implements AsyncIterableIterator<Uint8Array> {
  readonly #generator: AsyncGenerator<Uint8Array>;
  readonly #endRead: () => void;
  #reads = 0;
  #returned = false;

  /** @param endRead Lets go of the source, without waiting for it. Called only while a read is waiting. */
  constructor(generator: AsyncGenerator<Uint8Array>, endRead: () => void) {
    this.#generator = generator;
    this.#endRead = endRead;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
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
    if (this.#reads === 0) await ended;
    else {
      ended.catch(() => undefined);
      this.#endRead();
    }
    return DONE;
  }
}
