import type { LimitLease } from '../../src/contracts/limits.js';
import { AbortedError, RateLimitError } from '../../src/errors/index.js';
import { abortError } from '../../src/internal/abort.js';
import type { LimitsContractOptions } from '../../src/testing/contract/limits.js';
import { broken, Counts, ghost, watched } from './broken-limit.js';
import type { BrokenAdapter } from './prove-rules.js';

function full(): RateLimitError {
  return new RateLimitError('Too many wait.', { code: 'too_many_waiting', retryable: true });
}

function stopped(): AbortedError {
  return new AbortedError('Stopped.', { code: 'aborted' });
}

/** Each violates the one rule that it stands under. */
export const brokenLimitsWaiting: Readonly<Record<string, BrokenAdapter<LimitsContractOptions>>> = {
  'limits 11': broken('places', (acquire) => (key, request) => acquire(key, { ...request, priority: 0 })),
  // Who came last goes first.
  'limits 12': {
    ...broken('places', (acquire) => {
      let count = 0;
      return (key, request) => {
        count += 1;
        return acquire(key, { ...request, priority: request.priority * 1000 - count });
      };
    }),
    alsoFails: ['limits 35'],
  },
  'limits 13': broken(
    'places',
    (acquire) => (key, request) =>
      acquire(key, request).catch((error: { code?: unknown }) => {
        throw error.code === 'too_many_waiting' ? new Error('full') : error;
      }),
  ),
  // Who was refused takes the next place that comes free.
  'limits 14': broken('places', (acquire) => {
    let refused = 0;
    return async (key, request) => {
      try {
        const lease = await acquire(key, request);
        return watched({ waitedMs: lease.waitedMs, release: () => undefined }, () => {
          if (refused > 0) refused -= 1;
          else lease.release();
        });
      } catch (error) {
        if (!request.signal.aborted) refused += 1;
        throw error;
      }
    };
  }),
  // Who had to wait counts as waiting until the place is given back.
  'limits 15': broken('places', (acquire, { maxWaiting }) => {
    const held = new Counts();
    const waiting = new Counts();
    return async (key, request) => {
      const hasToWait = held.get(key) + waiting.get(key) > 0;
      if (waiting.get(key) >= maxWaiting) throw full();
      if (hasToWait) waiting.add(key, 1);
      const end = (): void => waiting.add(key, hasToWait ? -1 : 0);
      try {
        const lease = await acquire(key, request);
        held.add(key, 1);
        return watched(lease, () => {
          held.add(key, -1);
          end();
        });
      } catch (error) {
        end();
        throw error;
      }
    };
  }),
  'limits 16': broken('places', (acquire) => async (key, request) => {
    const wasAborted = request.signal.aborted;
    try {
      return await acquire(key, request);
    } catch (error) {
      throw request.signal.aborted && !wasAborted ? stopped() : error;
    }
  }),
  // The place of the one who is first in line is counted before it is free.
  'limits 17': broken('places', (acquire) => {
    const held: LimitLease[] = [];
    let waiting = 0;
    return async (key, request) => {
      const isHead = held.length > 0 && waiting === 0;
      waiting += 1;
      const acquired = acquire(key, request);
      const onAbort = (): void => {
        // The other one is served by the next turn.
        if (isHead) setImmediate(() => held.shift()?.release());
      };
      if (!request.signal.aborted) request.signal.addEventListener('abort', onAbort);
      try {
        const lease = await acquired;
        held.push(lease);
        return watched(lease, () => held.splice(held.indexOf(lease) >>> 0, 1));
      } finally {
        waiting -= 1;
        request.signal.removeEventListener('abort', onAbort);
      }
    };
  }),
  // Who is aborted in front of others takes the place when it comes.
  'limits 18': broken('places', (acquire) => {
    let waiting = 0;
    const acquireAnyway = ghost(() => waiting > 1, acquire);
    return async (key, request) => {
      const isHead = waiting === 0;
      waiting += 1;
      try {
        return await (isHead ? acquireAnyway : acquire)(key, request);
      } finally {
        waiting -= 1;
      }
    };
  }),
  // Who was aborted still counts as waiting.
  'limits 19': broken('places', (acquire, { maxWaiting }) => {
    const waiting = new Counts();
    const aborted = new Counts();
    return async (key, request) => {
      if (waiting.get(key) > 0 && waiting.get(key) + aborted.get(key) >= maxWaiting) throw full();
      const wasAborted = request.signal.aborted;
      waiting.add(key, 1);
      try {
        return await acquire(key, request);
      } catch (error) {
        if (request.signal.aborted && !wasAborted) aborted.add(key, 1);
        throw error;
      } finally {
        waiting.add(key, -1);
      }
    };
  }),
  'limits 20': broken('places', (acquire) => async (key, request) => {
    if (request.signal.aborted) throw stopped();
    return acquire(key, request);
  }),
  // Looks at the signal only after it has taken the place.
  'limits 27': broken('places', (acquire) => async (key, { priority, signal }) => {
    const late = new AbortController();
    // The abort arrives a turn late.
    signal.addEventListener('abort', () => setImmediate(() => late.abort(signal.reason)));
    if (signal.aborted) late.abort(signal.reason);
    const lease = await acquire(key, { priority, signal: late.signal });
    if (signal.aborted) throw abortError(signal);
    return lease;
  }),
  // Has one count of those who wait, and looks at it where somebody holds a place.
  'limits 28': broken('places', (acquire, { maxWaiting }) => {
    const held = new Counts();
    let waiting = 0;
    return async (key, request) => {
      if (held.get(key) > 0 && waiting >= maxWaiting) throw full();
      waiting += 1;
      const lease = await acquire(key, request).finally(() => {
        waiting -= 1;
      });
      held.add(key, 1);
      return watched(lease, () => held.add(key, -1));
    };
  }),
  'limits 29': broken(
    'places',
    (acquire) => (key, request) =>
      acquire(key, request).catch((error: unknown) => {
        throw request.signal.aborted ? request.signal.reason : error;
      }),
  ),
};
