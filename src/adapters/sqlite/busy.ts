import type { Clock } from '../../contracts/clock.js';
import { sleep } from '../../internal/sleep.js';
import { isBusy, toSqliteError } from './errors.js';

const SHORTEST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 50;

export interface BusyPatience {
  readonly busyTimeoutMs: number;
  readonly clock: Clock;
}

/**
 * Tries again while another process holds the lock. SQLite's own waiting would stop the event loop.
 *
 * Rejects with a StorageError.
 */
export async function whileBusy<Value>(work: () => Value, patience: BusyPatience): Promise<Value> {
  const { busyTimeoutMs, clock } = patience;
  const startedAt = clock.monotonicMs();
  for (let waitMs = SHORTEST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      return work();
    } catch (error) {
      const isOver = clock.monotonicMs() - startedAt >= busyTimeoutMs;
      if (isOver || !isBusy(error)) throw toSqliteError(error);
    }
    await sleep(clock, waitMs * (0.5 + Math.random() / 2), undefined);
  }
}
