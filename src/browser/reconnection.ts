import { backoffDelayMs } from '../resilience/backoff.js';

const RETRY = { minDelayMs: 300, maxDelayMs: 5000 };
/** Where the bridge has said that it is full. */
const RETRY_WHEN_FULL = { minDelayMs: 2000, maxDelayMs: 15_000 };
const BRIDGE_FULL = 1013;

/** When to connect again: soon, then seldom, at a random moment, and as soon as the device is online. */
export class Reconnection {
  readonly #giveUpAfterMs: number;
  readonly #connect: () => void;
  #attempts = 0;
  /** Since when there has been no connection. */
  #lostAt: number | undefined = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(giveUpAfterMs: number, connect: () => void) {
    this.#giveUpAfterMs = giveUpAfterMs;
    this.#connect = connect;
    globalThis.addEventListener?.('online', this.#hurry);
    // Later, so that the caller can listen first.
    this.#schedule(0);
  }

  connected(): void {
    this.#attempts = 0;
    this.#lostAt = undefined;
  }

  /** False: it has been tried for long enough. */
  lost(code: number): boolean {
    const now = performance.now();
    this.#lostAt ??= now;
    const leftMs = this.#giveUpAfterMs - (now - this.#lostAt);
    if (leftMs <= 0) return false;
    const delayMs =
      this.#attempts === 0 && code !== BRIDGE_FULL
        ? Math.random() * RETRY.minDelayMs
        : backoffDelayMs(this.#attempts, code === BRIDGE_FULL ? RETRY_WHEN_FULL : RETRY);
    this.#attempts += 1;
    this.#schedule(Math.min(delayMs, leftMs));
    return true;
  }

  stop(): void {
    globalThis.removeEventListener?.('online', this.#hurry);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#connect();
    }, delayMs);
  }

  readonly #hurry = (): void => {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#schedule(0);
  };
}
