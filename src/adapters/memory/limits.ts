import PQueue from 'p-queue';
import type { Clock, LimitKey, LimitLease, LimitLoad, LimitsAdapter } from '../../contracts/index.js';
import { RateLimitError } from '../../errors/index.js';
import { abortError, onAbort, throwIfAborted } from '../../internal/abort.js';
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

/** Limits for the calls of one process. */
export function createMemoryLimits(settings: MemoryLimitSettings, clock: Clock): LimitsAdapter {
  const pools = new Map<string, Pool>();
  return {
    async acquire(key, { priority, signal }) {
      if (signal.aborted) throw abortError(signal);
      return poolFor(pools, key, settings, clock).acquire(priority, signal);
    },
    load: (key) => poolFor(pools, key, settings, clock).load(),
  };
}

function poolFor(pools: Map<string, Pool>, key: LimitKey, settings: MemoryLimitSettings, clock: Clock): Pool {
  // Both kinds of pre-recorded request use the same places at Deepgram.
  const kind = key.mode === 'stream' ? 'stream' : 'prerecorded';
  const id = JSON.stringify([key.project, key.endpoint, kind]);
  const existing = pools.get(id);
  if (existing) return existing;
  const { maxConcurrent, maxConcurrentStreams, requestsPerMinute, maxWaiting } = settings;
  const pool = new Pool(clock, {
    places: kind === 'stream' ? maxConcurrentStreams : maxConcurrent,
    perMinute: kind === 'stream' ? undefined : requestsPerMinute,
    maxWaiting,
  });
  pools.set(id, pool);
  return pool;
}

interface PoolSettings {
  readonly places: number;
  readonly perMinute: number | undefined;
  readonly maxWaiting: number;
}

/**
 * One pool of places.
 *
 * p-queue keeps those who wait in order and lets one of them at a time look for a free place and then for
 * room in the window. So at most one waiter is ahead of a later one that is more urgent, and a start counts
 * in the window only when it happens.
 */
class Pool {
  readonly #clock: Clock;
  readonly #settings: PoolSettings;
  readonly #order = new PQueue({ concurrency: 1 });
  readonly #window: RollingWindow | undefined;
  #held = 0;
  #onRelease: () => void = () => undefined;

  constructor(clock: Clock, settings: PoolSettings) {
    this.#clock = clock;
    this.#settings = settings;
    const { perMinute } = settings;
    this.#window = perMinute === undefined ? undefined : new RollingWindow(clock, perMinute, MINUTE_MS);
  }

  async acquire(priority: number, signal: AbortSignal): Promise<LimitLease> {
    const waiting = this.#waiting();
    if (waiting === 0 && this.#hasPlace() && this.#delay() === 0) return this.#lease(0);
    if (waiting >= this.#settings.maxWaiting) throw tooManyWaiting(this.#settings.maxWaiting);
    const askedAt = this.#clock.monotonicMs();
    const takeTurn = async (): Promise<LimitLease> => {
      await this.#placeFree(signal);
      // An abort in the turn of a release: the caller has been refused, so nothing may be taken for it.
      throwIfAborted(signal);
      for (let delayMs = this.#delay(); delayMs > 0; delayMs = this.#delay()) {
        await sleep(this.#clock, delayMs, signal);
        throwIfAborted(signal);
      }
      return this.#lease(this.#clock.monotonicMs() - askedAt);
    };
    try {
      return await this.#order.add(takeTurn, { priority: -priority, signal });
    } catch (error) {
      throw signal.aborted ? abortError(signal) : error;
    }
  }

  load(): LimitLoad {
    const waiting = this.#waiting();
    const hasRoom = waiting === 0 && this.#hasPlace() && this.#window?.hasRoom() !== false;
    return { isFull: !hasRoom, waiting };
  }

  #waiting(): number {
    return this.#order.size + this.#order.pending;
  }

  #hasPlace(): boolean {
    return this.#held < this.#settings.places;
  }

  /** Milliseconds until the window may have room; 0 took it. */
  #delay(): number {
    return this.#window?.take() ?? 0;
  }

  #placeFree(signal: AbortSignal): Promise<void> {
    if (this.#hasPlace()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const stopListening = onAbort(signal, () => reject(abortError(signal)));
      this.#onRelease = () => {
        stopListening();
        resolve();
      };
    });
  }

  #lease(waitedMs: number): LimitLease {
    this.#held += 1;
    let released = false;
    return {
      waitedMs,
      release: () => {
        if (released) return;
        released = true;
        this.#held -= 1;
        this.#onRelease();
      },
    };
  }
}

function tooManyWaiting(maxWaiting: number): RateLimitError {
  return new RateLimitError(
    `${maxWaiting} calls wait for a place already (limits.maxWaiting). Call again later, or use enqueue().`,
    { code: 'too_many_waiting', retryable: true },
  );
}
