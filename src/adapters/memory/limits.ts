import PQueue from 'p-queue';
import type { Clock, LimitKey, LimitLease, LimitsAdapter } from '../../contracts/index.js';
import { RateLimitError } from '../../errors/index.js';
import { abortError, onAbort } from '../../internal/abort.js';
import { sleep } from '../../internal/sleep.js';
import { RollingWindow } from '../../resilience/rolling-window.js';

export interface MemoryLimitSettings {
  readonly maxConcurrent: number;
  readonly maxConcurrentStreams: number;
  /** Undefined: no limit. */
  readonly requestsPerMinute: number | undefined;
  readonly maxWaiting: number;
}

const MINUTE_MS = 60_000;

/** One pool of places: p-queue keeps the order and the concurrency, the window the rate. */
interface Pool {
  readonly queue: PQueue;
  readonly window: RollingWindow | undefined;
}

/** Limits for the calls of one process. */
export function createMemoryLimits(settings: MemoryLimitSettings, clock: Clock): LimitsAdapter {
  const pools = new Map<string, Pool>();
  return {
    acquire(key, { priority, signal }) {
      const pool = poolFor(pools, key, settings, clock);
      if (signal.aborted) return Promise.reject(abortError(signal));
      const isFull = pool.queue.pending >= pool.queue.concurrency;
      if (isFull && pool.queue.size >= settings.maxWaiting)
        return Promise.reject(tooManyWaiting(settings.maxWaiting));
      return acquire(pool, clock, priority, signal);
    },
  };
}

function poolFor(pools: Map<string, Pool>, key: LimitKey, settings: MemoryLimitSettings, clock: Clock): Pool {
  // Both kinds of pre-recorded request use the same places at Deepgram.
  const kind = key.mode === 'stream' ? 'stream' : 'prerecorded';
  const id = JSON.stringify([key.project, key.endpoint, kind]);
  const existing = pools.get(id);
  if (existing) return existing;
  const perMinute = kind === 'stream' ? undefined : settings.requestsPerMinute;
  const pool: Pool = {
    queue: new PQueue({
      concurrency: kind === 'stream' ? settings.maxConcurrentStreams : settings.maxConcurrent,
    }),
    window: perMinute === undefined ? undefined : new RollingWindow(clock, perMinute, MINUTE_MS),
  };
  pools.set(id, pool);
  return pool;
}

function acquire(pool: Pool, clock: Clock, priority: number, signal: AbortSignal): Promise<LimitLease> {
  const askedAt = clock.monotonicMs();
  // p-queue gives a running task's place away when its signal aborts; a lease must keep it until release().
  // So p-queue sees a signal that aborts only while the caller waits.
  const waiting = new AbortController();
  return new Promise<LimitLease>((resolve, reject) => {
    const stopListening = onAbort(signal, () => waiting.abort(abortError(signal)));
    const hold = async (): Promise<void> => {
      stopListening();
      await waitForWindow(pool.window, clock, signal);
      await new Promise<void>((release) => {
        resolve({ waitedMs: clock.monotonicMs() - askedAt, release });
      });
    };
    pool.queue.add(hold, { priority: -priority, signal: waiting.signal }).catch((error) => {
      stopListening();
      reject(error);
    });
  });
}

async function waitForWindow(
  window: RollingWindow | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (window === undefined) return;
  for (let delayMs = window.take(); delayMs > 0; delayMs = window.take()) await sleep(clock, delayMs, signal);
}

function tooManyWaiting(maxWaiting: number): RateLimitError {
  return new RateLimitError(
    `${maxWaiting} calls wait for a place already (limits.maxWaiting). Call again later, or use enqueue().`,
    { code: 'too_many_waiting', retryable: true },
  );
}
