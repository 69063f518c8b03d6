import { createFakeClock, type FakeClock } from 'transcription-client/testing';

/** Turns of the event loop in which nothing moves, until all that is under way has arrived. */
const QUIET_TURNS = 8;
/** Something that never comes to rest does not hold the time. */
const MOST_TURNS = 5000;
/** What is sent within a step arrives before the next. */
const STEP_MS = 40;

/**
 * Time for real sockets on this machine: it goes on in small steps, and after each it waits until all bytes that are
 * under way have arrived. So a run takes the time that the processor needs, and is the same each time.
 */
export class VirtualTime {
  readonly clock: FakeClock = createFakeClock();
  readonly #activity: () => unknown;
  readonly #onTurn: () => void;
  #realEnd = Number.POSITIVE_INFINITY;

  /** @param activity Changes whenever bytes move. `onTurn` is called in each turn of the event loop. */
  constructor(activity: () => unknown, onTurn: () => void = () => undefined) {
    this.#activity = activity;
    this.#onTurn = onTurn;
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  async settle(quietTurns = QUIET_TURNS): Promise<void> {
    let last = this.#activity();
    let quiet = 0;
    for (let turn = 0; quiet < quietTurns && turn < MOST_TURNS; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#onTurn();
      const now = this.#activity();
      quiet = now === last ? quiet + 1 : 0;
      last = now;
    }
  }

  /** From now on it may take so many milliseconds of real time: then waiting rejects. */
  limit(realMs: number): void {
    this.#realEnd = performance.now() + realMs;
  }

  async until(ms: number): Promise<void> {
    await this.settle();
    while (this.nowMs < ms) {
      if (performance.now() > this.#realEnd) throw new Error(`The run takes too long, at ${this.nowMs} ms.`);
      await this.clock.advance(Math.min(STEP_MS, ms - this.nowMs));
      await this.settle();
    }
  }

  elapse(ms: number): Promise<void> {
    return this.until(this.nowMs + ms);
  }

  /** Time goes on until the condition holds. False: it did not within so many milliseconds. */
  async wait(condition: () => boolean, withinMs: number): Promise<boolean> {
    const end = this.nowMs + withinMs;
    await this.settle();
    while (!condition() && this.nowMs < end) await this.elapse(STEP_MS);
    return condition();
  }
}
