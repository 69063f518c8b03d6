import type { Clock } from '../../contracts/clock.js';
import { sleep } from '../../internal/sleep.js';
import type { CallbackAttempt } from './journal-types.js';
import { type CallbackDelivery, postCallback } from './loopback.js';

const MAX_RETRIES = 10;
const RETRY_INTERVAL_MS = 30_000;

/**
 * Delivers a result as Deepgram does: what is not answered with 2xx is tried again after 30 seconds, up to ten
 * times. Resolves when it was taken, or given up. Rejects when the signal aborts.
 */
export async function deliverWithRetries(
  delivery: CallbackDelivery,
  clock: Clock,
  onAttempt: (attempt: CallbackAttempt) => void,
  signal: AbortSignal,
): Promise<void> {
  const url = withoutCredentials(delivery.url);
  for (let attempt = 1; attempt <= 1 + MAX_RETRIES; attempt += 1) {
    if (attempt > 1) await sleep(clock, RETRY_INTERVAL_MS, signal);
    const status = await postCallback(delivery, signal).catch(() => undefined);
    signal.throwIfAborted();
    // The timer of the next attempt is set in the same turn, so that who sees this attempt can move the clock.
    const { requestId, method } = delivery;
    onAttempt({ requestId, url, method, attempt, at: clock.wallMs(), status });
    if (status !== undefined && status >= 200 && status <= 299) return;
  }
}

function withoutCredentials(url: string): string {
  const target = new URL(url);
  target.username = '';
  target.password = '';
  return target.href;
}
