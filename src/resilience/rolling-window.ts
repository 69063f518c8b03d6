import type { Clock } from '../contracts/index.js';

/**
 * Counts starts in any stretch of `windowMs`, on the monotonic clock.
 *
 * A fixed window would let twice the limit start around its boundary.
 */
export class RollingWindow {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #windowMs: number;
  /** Times of the starts that still count, oldest first. */
  readonly #starts: number[] = [];

  constructor(clock: Clock, limit: number, windowMs: number) {
    this.#clock = clock;
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** Takes a place and returns 0, or returns the milliseconds after which one may be free. */
  take(): number {
    const now = this.#clock.monotonicMs();
    this.#forgetBefore(now - this.#windowMs);
    const oldest = this.#starts[0];
    if (oldest !== undefined && this.#starts.length >= this.#limit) return oldest + this.#windowMs - now;
    this.#starts.push(now);
    return 0;
  }

  /** Whether take() would take a place now. */
  hasRoom(): boolean {
    this.#forgetBefore(this.#clock.monotonicMs() - this.#windowMs);
    return this.#starts.length < this.#limit;
  }

  #forgetBefore(timeMs: number): void {
    while (this.#starts.length > 0 && (this.#starts[0] as number) <= timeMs) this.#starts.shift();
  }
}
