import type { Clock } from '../contracts/index.js';
import { sleep } from '../internal/sleep.js';

/** Deepgram takes live audio at most this much faster than it is spoken. */
const MAX_SPEED = 1.25;

/** A late timer is made up for by this much, so that delays do not add up. */
const SLACK_MS = 250;

/** Holds audio back to a multiple of real time. A source that pauses may not catch up faster afterwards. */
export class Pacer {
  readonly #clock: Clock;
  readonly #speed: number;
  #nextMs: number | undefined;

  constructor(clock: Clock, realtime: boolean) {
    this.#clock = clock;
    this.#speed = realtime ? 1 : MAX_SPEED;
  }

  /** Waits until audio of this length may be sent. */
  async wait(seconds: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.monotonicMs();
    const turn = Math.max(this.#nextMs ?? now, now - SLACK_MS);
    this.#nextMs = turn + (seconds * 1000) / this.#speed;
    if (turn > now) await sleep(this.#clock, turn - now, signal);
  }
}
