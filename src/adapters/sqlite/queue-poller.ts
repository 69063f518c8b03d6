import type { Clock, TimerHandle } from '../../contracts/clock.js';

export interface PollerParts {
  readonly clock: Clock;
  readonly pollMs: number;
  /** Somebody waits for what other processes do. */
  readonly isNeeded: () => boolean;
  /** Must not reject. */
  readonly poll: () => Promise<void>;
}

/** Looks now and then, as long as it is needed, and has no timer otherwise. */
export class Poller {
  readonly #parts: PollerParts;
  #timer: TimerHandle | undefined;
  #isPolling = false;

  constructor(parts: PollerParts) {
    this.#parts = parts;
  }

  /** To be called whenever it may be needed, or may not be any more. */
  update(): void {
    const { clock, pollMs, isNeeded } = this.#parts;
    if (!isNeeded()) {
      this.#timer?.cancel();
      this.#timer = undefined;
    } else if (this.#timer === undefined && !this.#isPolling) {
      this.#timer = clock.setTimer(() => void this.#poll(), pollMs);
    }
  }

  async #poll(): Promise<void> {
    this.#timer = undefined;
    this.#isPolling = true;
    await this.#parts.poll();
    this.#isPolling = false;
    this.update();
  }
}
