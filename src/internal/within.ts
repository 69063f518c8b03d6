import type { Clock } from '../contracts/clock.js';
import { sleep } from './sleep.js';

/** Settles with the promise, or when the time is up. */
export async function within(clock: Clock, promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  const over = new AbortController();
  const late = sleep(clock, timeoutMs, over.signal).catch(() => undefined);
  try {
    await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}
