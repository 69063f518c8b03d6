import type { Clock, TimerHandle } from '../../contracts/clock.js';

/** Audio that may run ahead of the clock, for a client that has to catch up. */
const BURST_SECONDS = 10;

/** Tells when live audio comes faster than allowed. */
export class AudioRate {
  readonly #clock: Clock;
  readonly #factor: number;
  #startedAt: number | undefined;
  #seconds = 0;

  constructor(clock: Clock, factor: number) {
    this.#clock = clock;
    this.#factor = factor;
  }

  /** Counts audio that has arrived. False: it is too much. */
  allows(seconds: number): boolean {
    if (this.#factor === Number.POSITIVE_INFINITY) return true;
    this.#startedAt ??= this.#clock.monotonicMs();
    this.#seconds += seconds;
    const elapsed = (this.#clock.monotonicMs() - this.#startedAt) / 1000;
    return this.#seconds <= elapsed * this.#factor + BURST_SECONDS;
  }
}

/** Runs out unless it is restarted in time. */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #milliseconds: number;
  readonly #onIdle: () => void;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, milliseconds: number, onIdle: () => void) {
    this.#clock = clock;
    this.#milliseconds = milliseconds;
    this.#onIdle = onIdle;
    this.restart();
  }

  restart(): void {
    this.stop();
    this.#timer = this.#clock.setTimer(this.#onIdle, this.#milliseconds);
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
