import type { Clock } from '../../contracts/clock.js';
import type { StartAge } from './shared-places.js';

/** The starts of this process within the last window, for when Redis cannot count them or has lost them. */
export class OwnStarts {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #starts: { readonly id: string; readonly atMs: number }[] = [];

  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock;
    this.#windowMs = windowMs;
  }

  get count(): number {
    this.#dropOld();
    return this.#starts.length;
  }

  add(id: string): void {
    this.#dropOld();
    this.#starts.push({ id, atMs: this.#clock.monotonicMs() });
  }

  ages(): readonly StartAge[] {
    this.#dropOld();
    const now = this.#clock.monotonicMs();
    return this.#starts.map(({ id, atMs }) => [id, now - atMs]);
  }

  #dropOld(): void {
    const oldest = this.#clock.monotonicMs() - this.#windowMs;
    while (this.#starts.length > 0 && (this.#starts[0] as { atMs: number }).atMs <= oldest)
      this.#starts.shift();
  }
}
