import type { Clock, TimerHandle } from '../contracts/index.js';

/** Deepgram closes a stream after 10 s without audio and asks for a sign of life every 3 to 5 s. */
const KEEP_ALIVE_MS = 4000;

/** Calls `send` whenever nothing was sent for `KEEP_ALIVE_MS`. One timer, however many chunks pass. */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #send: () => void;
  #timer: TimerHandle | undefined;
  #lastSent = 0;

  constructor(clock: Clock, send: () => void) {
    this.#clock = clock;
    this.#send = send;
  }

  start(): void {
    this.stop();
    this.sent();
    this.#arm(KEEP_ALIVE_MS);
  }

  /** Something else was sent. */
  sent(): void {
    this.#lastSent = this.#clock.monotonicMs();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimer(() => {
      const idleMs = this.#clock.monotonicMs() - this.#lastSent;
      if (idleMs < KEEP_ALIVE_MS) {
        // Whole milliseconds: what rounding leaves of one would set a timer for now, again and again.
        this.#arm(Math.ceil(KEEP_ALIVE_MS - idleMs));
        return;
      }
      this.sent();
      this.#arm(KEEP_ALIVE_MS);
      this.#send();
    }, delayMs);
  }
}
