import type { Clock, TimerHandle } from '../../contracts/index.js';

/** Named timers that all end together. One that is set again begins anew. */
export class Timers<Name extends string> {
  readonly #clock: Clock;
  readonly #timers = new Map<Name, TimerHandle>();
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(name: Name): boolean {
    return this.#timers.has(name);
  }

  set(name: Name, delayMs: number, callback: () => void): void {
    this.cancel(name);
    if (this.#isOver) return;
    const timer = this.#clock.setTimer(() => {
      this.#timers.delete(name);
      callback();
    }, delayMs);
    this.#timers.set(name, timer);
  }

  cancel(name: Name): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  /** None can be set any more. */
  end(): void {
    this.#isOver = true;
    for (const name of [...this.#timers.keys()]) this.cancel(name);
  }
}
