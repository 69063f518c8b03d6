/** Lets one piece of work at a time run for each key, in the order of the calls. */
export class KeyedLock {
  /** Invariant: the end of what was asked for last, of each key with work to do. It never rejects. */
  readonly #last = new Map<string, Promise<void>>();

  run<Value>(key: string, work: () => Promise<Value>): Promise<Value> {
    const result = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const ended = result.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, ended);
    void ended.then(() => {
      if (this.#last.get(key) === ended) this.#last.delete(key);
    });
    return result;
  }
}
