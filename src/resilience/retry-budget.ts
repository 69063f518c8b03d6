import type { Clock } from '../contracts/index.js';

/** A success pays for a tenth of a retry, so that a tenth of all calls may be retried for ever. */
const PER_SUCCESS = 0.1;
/**
 * And time for one every minute, so that a client that was used up recovers without a success. Much faster, and
 * calls in sequence, each of which waits for its back-off, would never use it up.
 */
const PER_MILLISECOND = 1 / 60_000;

/**
 * Bounds the retries of all calls together: a service that is down would otherwise get every call several
 * times, when it can bear that least.
 *
 * A bucket of tokens. A retry takes one; successes and time put some back, up to the capacity.
 */
export class RetryBudget {
  readonly #clock: Clock;
  readonly #capacity: number;
  #tokens: number;
  #countedAt: number;
  readonly #onEmpty: () => void;
  #isTold = false;

  /** @param onEmpty Called at the first retry that is left out, and again once the bucket was half full in between. */
  constructor(clock: Clock, capacity: number, onEmpty: () => void) {
    this.#clock = clock;
    this.#onEmpty = onEmpty;
    this.#capacity = capacity;
    this.#tokens = capacity;
    this.#countedAt = clock.monotonicMs();
  }

  /** False: this retry has to be left out. */
  take(): boolean {
    const now = this.#clock.monotonicMs();
    this.#add((now - this.#countedAt) * PER_MILLISECOND);
    this.#countedAt = now;
    if (this.#tokens < 1) {
      if (!this.#isTold) this.#onEmpty();
      this.#isTold = true;
      return false;
    }
    this.#tokens -= 1;
    return true;
  }

  onSuccess(): void {
    this.#add(PER_SUCCESS);
  }

  #add(tokens: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + tokens);
    // Not at the first token: a service that stays down would be told of again and again.
    if (this.#tokens >= 1 && this.#tokens >= this.#capacity / 2) this.#isTold = false;
  }
}
