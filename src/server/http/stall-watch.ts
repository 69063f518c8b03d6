import type { Clock, TimerHandle } from '../../contracts/clock.js';

/** Tells once when nothing has come for too long. One timer serves all chunks of a body. */
export class StallWatch {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onStall: () => void;
  /** Undefined while nothing is waited for: whoever reads is busy with what came. */
  #waitingSince: number | undefined;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, timeoutMs: number, onStall: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onStall = onStall;
  }

  /** Something is waited for from now on. */
  wait(): void {
    this.#waitingSince = this.#clock.monotonicMs();
    if (this.#timer === undefined) this.#lookIn(this.#timeoutMs);
  }

  /** It has come. */
  rest(): void {
    this.#waitingSince = undefined;
  }

  end(): void {
    this.#waitingSince = undefined;
    this.#timer?.cancel();
  }

  /** `isLast`: what came while the process was stopped has been read by then. */
  #lookIn(delayMs: number, isLast = false): void {
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined;
      if (this.#waitingSince === undefined) return;
      const leftMs = this.#waitingSince + this.#timeoutMs - this.#clock.monotonicMs();
      if (leftMs > 0) this.#lookIn(leftMs);
      else if (isLast) this.#onStall();
      else this.#lookIn(0, true);
    }, delayMs);
    this.#timer.unref?.();
  }
}
