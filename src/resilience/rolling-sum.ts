import type { Clock } from '../contracts/index.js';

const BUCKETS = 60;

interface Bucket {
  /** Counts stretches of time since the clock began. */
  readonly index: number;
  sum: number;
}

/**
 * Adds up what happened in the last `windowMs`, on the monotonic clock, in bounded memory.
 *
 * Amounts are kept in 60 buckets, each of which counts until all of it is older than the window: the sum is
 * never too low.
 */
export class RollingSum {
  readonly #clock: Clock;
  readonly #bucketMs: number;
  #buckets: Bucket[] = [];

  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock;
    this.#bucketMs = windowMs / BUCKETS;
  }

  add(amount: number): void {
    const index = this.#now();
    const last = this.#buckets.at(-1);
    if (last?.index === index) {
      last.sum += amount;
      return;
    }
    this.#dropOld();
    this.#buckets.push({ index, sum: amount });
  }

  total(): number {
    this.#dropOld();
    return this.#buckets.reduce((total, { sum }) => total + sum, 0);
  }

  /** Milliseconds until so much has been forgotten that the total is low enough; undefined where it never is. */
  msUntil(isLowEnough: (total: number) => boolean): number | undefined {
    let total = this.total();
    for (const { index, sum } of this.#buckets) {
      total -= sum;
      if (isLowEnough(total)) return (index + BUCKETS + 1) * this.#bucketMs - this.#clock.monotonicMs();
    }
    return undefined;
  }

  #now(): number {
    return Math.floor(this.#clock.monotonicMs() / this.#bucketMs);
  }

  #dropOld(): void {
    const oldest = this.#now() - BUCKETS;
    if ((this.#buckets[0]?.index ?? oldest) < oldest) {
      this.#buckets = this.#buckets.filter(({ index }) => index >= oldest);
    }
  }
}
