import type { Clock, TimerHandle } from '../contracts/index.js';
import { requireKeys, requireWithin } from './check-options.js';

export interface FakeClockOptions {
  /** What the wall clock shows at the start, in milliseconds since 1970-01-01 UTC. Default: 2026-01-01. */
  readonly wallStartMs?: number;
}

/** A clock that stands still until a test moves it. Hand it in wherever the library takes a `clock`. */
export interface FakeClock extends Clock {
  /** Timers that are set and have not fired. */
  readonly pendingTimers: number;
  /**
   * Moves both clocks on by `ms` milliseconds. Each timer fires at its own time, in order, also one that
   * is set on the way, and what waits on promises goes on before the next. `advance(0)` fires what is due.
   *
   * Rejects with a TypeError or RangeError unless `ms` is a number of at least 0, and with what a
   * timer's callback throws.
   */
  advance(ms: number): Promise<void>;
  /**
   * Sets the wall clock alone, forward or back, to `ms` milliseconds since 1970-01-01 UTC. The monotonic
   * clock and the timers do not notice.
   */
  setWall(ms: number): void;
}

/** The largest time that a Date can hold. */
const MAX_TIME_MS = 8.64e15;

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * Creates a clock that a test moves by hand, so that minutes of waiting pass at once.
 *
 * ```ts
 * const clock = createFakeClock();
 * clock.setTimer(() => console.log('a minute later'), 60_000);
 * await clock.advance(60_000);
 * ```
 *
 * Throws a TypeError or RangeError for a wrong option.
 */
export function createFakeClock(options: FakeClockOptions = {}): FakeClock {
  requireKeys('the options of createFakeClock()', options, ['wallStartMs']);
  return new ManualClock(options.wallStartMs);
}

export class ManualClock implements FakeClock {
  #now = 0;
  /** What the wall clock shows when the monotonic one shows 0. */
  #wallOffsetMs: number;
  readonly #timers = new Set<Timer>();

  constructor(wallStartMs = Date.UTC(2026, 0, 1)) {
    requireWithin('wallStartMs', wallStartMs, -MAX_TIME_MS, MAX_TIME_MS);
    this.#wallOffsetMs = wallStartMs;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  monotonicMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#now;
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    // NaN too is no wait, as it is for the system's timers.
    const timer = { at: this.#now + (delayMs > 0 ? delayMs : 0), callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  setWall(ms: number): void {
    requireWithin('the wall clock', ms, -MAX_TIME_MS, MAX_TIME_MS);
    this.#wallOffsetMs = ms - this.#now;
  }

  async advance(ms: number): Promise<void> {
    requireWithin('the milliseconds to advance by', ms, 0, MAX_TIME_MS);
    const target = this.#now + ms;
    await settle();
    for (let timer = this.#next(target); timer !== undefined; timer = this.#next(target)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.callback();
      await settle();
    }
    // Another call of advance() may have moved the clock further meanwhile.
    this.#now = Math.max(this.#now, target);
  }

  #next(target: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= target && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  }
}

/** Lets everything that waits on promises go on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
