import type { Clock, TimerHandle } from '../contracts/index.js';

const DEFAULT_TIMEOUT_MS = 15_000;

/** Bounds the wait of `finish()`. While audio is leaving, each progress starts it anew. */
export class FinishWait {
  readonly timeoutMs: number;
  readonly #clock: Clock;
  readonly #onTimeout: () => void;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, timeoutMs: number | undefined, onTimeout: () => void) {
    this.#clock = clock;
    this.timeoutMs = timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#onTimeout = onTimeout;
  }

  restart(): void {
    this.cancel();
    this.#timer = this.#clock.setTimer(this.#onTimeout, this.timeoutMs);
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}
