import type { Clock, TimerHandle } from '../contracts/index.js';

/** Source: Deepgram's documentation, which bounds live audio to 1.25 times real time. */
const SPEED = 1.25;
/** Sent at once, so that timers need not be exact. */
const BURST_SECONDS = 0.25;

/** Holds back what is sent again after an outage, until it has caught up with what is spoken. */
export class ReplayPacer {
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #startSeconds: number;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, startSeconds: number) {
    this.#clock = clock;
    this.#startedAt = clock.monotonicMs();
    this.#startSeconds = startSeconds;
  }

  /** Whether the audio up to there may leave now. Otherwise `retry` is called when it may. */
  allows(seconds: number, retry: () => void): boolean {
    const elapsedSeconds = (this.#clock.monotonicMs() - this.#startedAt) / 1000;
    const early = seconds - this.#startSeconds - BURST_SECONDS - elapsedSeconds * SPEED;
    if (early <= 0) return true;
    this.#timer ??= this.#clock.setTimer(
      () => {
        this.#timer = undefined;
        retry();
      },
      Math.ceil((early / SPEED) * 1000),
    );
    return false;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
