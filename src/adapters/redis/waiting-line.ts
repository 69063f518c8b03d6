/** A caller that waits for a place. */
export interface Waiter {
  readonly priority: number;
  readonly arrival: number;
  /** It is given the lease with this id. */
  serve(id: string): void;
  refuse(error: Error): void;
}

/** Smaller priorities first, equal ones in the order of their coming. */
export class WaitingLine {
  readonly #waiters: Waiter[] = [];

  get size(): number {
    return this.#waiters.length;
  }

  add(waiter: Waiter): void {
    let from = 0;
    let to = this.#waiters.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#waiters[middle] as Waiter).priority <= waiter.priority) from = middle + 1;
      else to = middle;
    }
    this.#waiters.splice(from, 0, waiter);
  }

  remove(waiter: Waiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) this.#waiters.splice(index, 1);
  }

  shift(): Waiter | undefined {
    return this.#waiters.shift();
  }

  /** Takes out those who came last, until only so many are left. */
  removeAbove(size: number): readonly Waiter[] {
    if (this.#waiters.length <= size) return [];
    const newest = [...this.#waiters].sort((a, b) => b.arrival - a.arrival);
    const removed = newest.slice(0, newest.length - size);
    for (const waiter of removed) this.remove(waiter);
    return removed;
  }
}
