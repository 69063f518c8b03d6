/**
 * Hands values from a producer to one consumer, in order.
 *
 * Values that were pushed before `end()` or `fail()` are still delivered.
 */
export class AsyncQueue<Value> implements AsyncIterable<Value> {
  readonly #values: Value[] = [];
  #waiting: { resolve(result: IteratorResult<Value>): void; reject(error: unknown): void }[] = [];
  #ended = false;
  #failure: { error: unknown } | undefined;

  get size(): number {
    return this.#values.length;
  }

  push(value: Value): void {
    if (this.#ended) return;
    const consumer = this.#waiting.shift();
    if (consumer) consumer.resolve({ done: false, value });
    else this.#values.push(value);
  }

  end(): void {
    this.#finish();
  }

  fail(error: unknown): void {
    if (!this.#ended) this.#failure = { error };
    this.#finish();
  }

  next(): Promise<IteratorResult<Value>> {
    if (this.#values.length > 0) {
      return Promise.resolve({ done: false, value: this.#values.shift() as Value });
    }
    if (this.#failure) {
      const { error } = this.#failure;
      this.#failure = undefined;
      return Promise.reject(error);
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  [Symbol.asyncIterator](): AsyncIterator<Value> {
    return {
      next: () => this.next(),
      return: () => {
        this.#values.length = 0;
        this.end();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const consumer of waiting) {
      if (this.#failure) {
        const { error } = this.#failure;
        this.#failure = undefined;
        consumer.reject(error);
      } else {
        consumer.resolve({ done: true, value: undefined });
      }
    }
  }
}
