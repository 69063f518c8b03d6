/** Lets one piece of work at a time run for each key, in the order of the calls. */
export class KeyedLock {
  /** Invariant: of each key the work that was asked for last. They never reject. */
  readonly #last = new Map<string, Promise<void>>();

  run<Value>(key: string, work: () => Promise<Value>): Promise<Value> {
    const result = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const ended = result.then(
      () => this.#end(key, ended),
      () => this.#end(key, ended),
    );
    this.#last.set(key, ended);
    return result;
  }

  #end(key: string, ended: Promise<void>): void {
    if (this.#last.get(key) === ended) this.#last.delete(key);
  }
}
