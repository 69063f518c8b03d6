import type { Clock, TimerHandle } from '../../src/contracts/index.js';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is moved by hand. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #wallStartMs: number;
  readonly #timers = new Set<Timer>();

  constructor(wallStartMs = Date.UTC(2026, 0, 1)) {
    this.#wallStartMs = wallStartMs;
  }

  /** Timers that are set and have not fired. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  monotonicMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#wallStartMs + this.#now;
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    const timer = { at: this.#now + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Moves on, firing each timer at its own time; promises settle between two timers. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    await settle();
    for (let timer = this.#next(target); timer !== undefined; timer = this.#next(target)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.callback();
      await settle();
    }
    this.#now = target;
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
