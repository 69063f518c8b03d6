import { expect } from 'vitest';

const SHARE = 0.05;
const MARGIN_MS = 50;
/** How often the machine is asked whether it runs at all. */
const PROBE_MS = 10;

/** How late a promise may settle: 5 % and 50 ms. A machine that stands still meanwhile does not count. */
export class TimeBound {
  readonly #startedAt = performance.now();
  readonly #probe: NodeJS.Timeout;
  #probedAt = this.#startedAt;
  #stalledMs = 0;

  constructor() {
    this.#probe = setInterval(() => this.#look(), PROBE_MS);
  }

  /** Milliseconds beyond `limitMs`, less than 0 where there was time left. Fails where they are too many. */
  check(limitMs: number): number {
    clearInterval(this.#probe);
    this.#look();
    const lateMs = performance.now() - this.#startedAt - limitMs;
    expect(lateMs, `late for ${limitMs} ms`).toBeLessThanOrEqual(
      limitMs * SHARE + MARGIN_MS + this.#stalledMs,
    );
    return lateMs;
  }

  #look(): void {
    const now = performance.now();
    this.#stalledMs += Math.max(0, now - this.#probedAt - 2 * PROBE_MS);
    this.#probedAt = now;
  }
}
