import type { Clock } from '../contracts/index.js';
import { TranscriptionError } from '../errors/index.js';
import { isRetryable } from './session-errors.js';
import type { ReconnectSettings } from './session-types.js';

const FIRST_DELAY_MS = 250;
/** Where no connection was ever open, whoever opened the session waits to hear of it. */
const FIRST_CONNECTION_MS = 4000;

/** Says when to try again after a connection has ended, and when to give up. */
export class Reconnector {
  readonly #settings: ReconnectSettings | false;
  readonly #clock: Clock;
  readonly #random: () => number;
  #attempts = 0;
  #downAtMs: number | undefined;
  /** A connection was open; the other side has said something. */
  #wasOpen = false;
  #wasHeard = false;

  constructor(settings: ReconnectSettings | false, clock: Clock, random: () => number) {
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
  }

  /** Attempts of this outage. */
  get attempts(): number {
    return this.#attempts;
  }

  opened(): void {
    this.#wasOpen = true;
  }

  /** Something has come, if only the answer to a ping. */
  heard(): void {
    this.#wasHeard = true;
  }

  /** The connection has shown that it works: more is final, or it has lasted. */
  proved(): void {
    this.#attempts = 0;
    this.#downAtMs = undefined;
  }

  /**
   * The pause before the next attempt, or undefined where there is none. Full jitter: clients that lost one server do
   * not come back at one moment.
   */
  next(error: Error | undefined): number | undefined {
    if (this.#settings === false || (error !== undefined && !isRetryable(error))) return undefined;
    const { maxDelayMs } = this.#settings;
    const giveUpAfterMs = this.#wasOpen
      ? this.#settings.giveUpAfterMs
      : Math.min(FIRST_CONNECTION_MS, this.#settings.giveUpAfterMs);
    const nowMs = this.#clock.monotonicMs();
    this.#downAtMs ??= nowMs;
    this.#attempts += 1;
    const leftMs = giveUpAfterMs - (nowMs - this.#downAtMs);
    if (leftMs <= 0) return undefined;
    const longestMs = Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** Math.min(this.#attempts - 2, 20));
    // A connection that worked comes back at once, as a rule.
    const jitterMs = this.#attempts === 1 && this.#wasHeard ? 0 : this.#random() * longestMs;
    const askedMs = error instanceof TranscriptionError ? (error.retryAfterMs ?? 0) : 0;
    if (askedMs > leftMs) return undefined;
    return Math.min(Math.max(jitterMs, askedMs), leftMs);
  }
}
