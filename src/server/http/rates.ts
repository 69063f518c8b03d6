import type { Clock } from '../../contracts/index.js';
import { RollingWindow } from '../../resilience/rolling-window.js';
import { HttpProblem } from './problem.js';
import type { Principal } from './types.js';

const MINUTE_MS = 60_000;

/** So many requests of each user in any minute. */
export class UserRates {
  readonly #clock: Clock;
  readonly #perMinute: number | undefined;
  readonly #windows = new Map<string, { readonly window: RollingWindow; usedAt: number }>();
  #sweptAt: number;

  constructor(clock: Clock, perMinute: number | undefined) {
    this.#clock = clock;
    this.#perMinute = perMinute;
    this.#sweptAt = clock.monotonicMs();
  }

  /** @throws HttpProblem 429 */
  count({ userId }: Principal): void {
    if (this.#perMinute === undefined) return;
    const now = this.#clock.monotonicMs();
    this.#sweep(now);
    const entry = this.#windows.get(userId) ?? {
      window: new RollingWindow(this.#clock, this.#perMinute, MINUTE_MS),
      usedAt: now,
    };
    entry.usedAt = now;
    this.#windows.set(userId, entry);
    const waitMs = entry.window.take();
    if (waitMs > 0) throw tooMany(waitMs);
  }

  /** Users who have not asked for a minute are forgotten. */
  #sweep(now: number): void {
    if (now - this.#sweptAt < MINUTE_MS) return;
    this.#sweptAt = now;
    for (const [userId, { usedAt }] of this.#windows) {
      if (now - usedAt >= MINUTE_MS) this.#windows.delete(userId);
    }
  }
}

function tooMany(waitMs: number): HttpProblem {
  return new HttpProblem({
    status: 429,
    code: 'rate_limited',
    detail: 'You have asked too often. Wait as long as Retry-After says.',
    headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) },
  });
}
