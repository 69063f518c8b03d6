import { sleep } from '../../internal/sleep.js';
import { systemClock } from '../../internal/system-clock.js';
import { backoffDelayMs } from '../../resilience/backoff.js';
import { HttpClientError, networkError } from './http-client-error.js';

const BACKOFF = { minDelayMs: 500, maxDelayMs: 15_000 };
/** What a later request may be answered otherwise. */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);
const TRANSIENT_CODES: ReadonlySet<string> = new Set(['network', 'aborted', 'token_failed']);

/** When to connect again: as the server asks, or at a random moment, soon and then seldom. */
export class Reconnection {
  readonly #giveUpAfterMs: number;
  #attempts = 0;
  #lostAt: number | undefined;
  #serverDelayMs = 0;

  constructor(giveUpAfterMs: number) {
    this.#giveUpAfterMs = giveUpAfterMs;
  }

  readonly connected = (): void => {
    this.#attempts = 0;
    this.#lostAt = undefined;
  };

  /** The server asks for it, in its stream. */
  readonly serverDelay = (delayMs: number): void => {
    this.#serverDelayMs = delayMs;
  };

  /**
   * Resolves when it is time to connect again. Rejects with the reason of the loss where that would not help, or has not
   * helped for long enough, and with code `aborted` as soon as the signal aborts.
   */
  async wait(reason: unknown, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw networkError(undefined, signal);
    if (!isTransient(reason)) throw reason;
    const now = performance.now();
    this.#lostAt ??= now;
    const leftMs = this.#giveUpAfterMs - (now - this.#lostAt);
    const askedMs = HttpClientError.isInstance(reason) ? (reason.retryAfterMs ?? 0) : 0;
    if (leftMs <= 0 || askedMs > leftMs) throw reason;
    this.#attempts += 1;
    const delayMs = Math.max(askedMs, this.#serverDelayMs, backoffDelayMs(this.#attempts, BACKOFF));
    try {
      await sleep(systemClock, Math.min(delayMs, leftMs), signal);
    } catch {
      throw networkError(undefined, signal);
    }
  }
}

function isTransient(reason: unknown): boolean {
  if (!HttpClientError.isInstance(reason)) return false;
  // A supplier of tokens that has been logged out says so.
  if ((reason.cause as { retryable?: unknown } | undefined)?.retryable === false) return false;
  return reason.status === undefined
    ? TRANSIENT_CODES.has(reason.code)
    : TRANSIENT_STATUSES.has(reason.status);
}
