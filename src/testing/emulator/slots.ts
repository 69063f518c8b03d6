import { Refusal } from './answer.js';

/** What is processed at the same time. */
export class Slots {
  readonly #limit: number;
  #used = 0;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  get isSaturated(): boolean {
    return this.#used >= this.#limit;
  }

  /** @throws Refusal 429 TOO_MANY_REQUESTS when none is free */
  take(): void {
    if (this.isSaturated) {
      throw new Refusal(429, 'TOO_MANY_REQUESTS', 'Too many requests. Please try again later.');
    }
    this.#used += 1;
  }

  free(): void {
    this.#used -= 1;
  }
}
