import { describe, expect, it } from 'vitest';
import { createMemoryLimits } from '../../src/adapters/memory/index.js';
import type { Clock } from '../../src/contracts/clock.js';
import type { LimitKey, LimitLease, LimitsAdapter } from '../../src/contracts/limits.js';
import { sleep } from '../../src/internal/sleep.js';
import { type ContractLimits, testLimitsContract } from '../../src/testing/contract/limits.js';
import { numberOf, outcomeOf } from './failed-rules.js';

type Acquire = LimitsAdapter['acquire'];
type Create = (limits: ContractLimits, clock: Clock) => LimitsAdapter;

function broken(change: (acquire: Acquire, limits: ContractLimits, clock: Clock) => Acquire): Create {
  return (limits, clock) => {
    const inner = createMemoryLimits(limits, clock);
    return { acquire: change((key, request) => inner.acquire(key, request), limits, clock) };
  };
}

function rekeyed(change: (key: LimitKey) => LimitKey): Create {
  return broken(
    (acquire, limits) => (key, request) =>
      acquire(limits.requestsPerMinute === undefined ? change(key) : key, request),
  );
}

/** Each violates the one rule that it stands under. */
const brokenLimits: Readonly<Record<string, Create>> = {
  'limits 4': broken((acquire) => {
    const held: LimitLease[] = [];
    return async (key, request) => {
      const lease = await acquire(key, request);
      held.push(lease);
      let released = false;
      const release = (): void => {
        const given = released ? held.shift() : lease;
        released = true;
        if (given === lease) held.splice(held.indexOf(lease), 1);
        given?.release();
      };
      return { waitedMs: lease.waitedMs, release };
    };
  }),
  'limits 5': rekeyed((key) => ({ ...key, project: 'one' })),
  'limits 6': rekeyed((key) => ({ ...key, endpoint: 'one' })),
  'limits 7': rekeyed((key) => ({ ...key, mode: 'sync' })),
  'limits 8': broken((acquire) => async (key, request) => {
    const lease = await acquire(key, request);
    request.signal.addEventListener('abort', () => lease.release());
    return lease;
  }),
  'limits 9': broken((acquire) => async (key, request) => {
    const lease = await acquire(key, request);
    return { waitedMs: 0, release: () => lease.release() };
  }),
  'limits 11': broken((acquire) => (key, request) => acquire(key, { ...request, priority: 0 })),
  'limits 12': broken((acquire) => {
    let count = 0;
    return (key, request) => {
      count += 1;
      return acquire(key, { ...request, priority: request.priority * 1000 - count });
    };
  }),
  'limits 13': broken(
    (acquire) => (key, request) =>
      acquire(key, request).catch((error: { code?: unknown }) => {
        throw error.code === 'too_many_waiting' ? new Error('full') : error;
      }),
  ),
  'limits 16': broken((acquire) => async (key, request) => {
    const wasAborted = request.signal.aborted;
    try {
      return await acquire(key, request);
    } catch (error) {
      throw request.signal.aborted && !wasAborted ? new Error('aborted') : error;
    }
  }),
  'limits 20': broken((acquire) => async (key, request) => {
    if (request.signal.aborted) throw new Error('aborted');
    return acquire(key, request);
  }),
  // A window that begins anew every minute.
  'limits 24': (limits, clock) => {
    const inner = createMemoryLimits({ ...limits, requestsPerMinute: undefined }, clock);
    const started = new Map<string, number>();
    const perMinute = limits.requestsPerMinute ?? Number.POSITIVE_INFINITY;
    return {
      async acquire(key, request) {
        for (;;) {
          const now = clock.monotonicMs();
          const minute = `${key.project} ${key.endpoint} ${Math.floor(now / 60_000)}`;
          const count = started.get(minute) ?? 0;
          if (count < perMinute) {
            started.set(minute, count + 1);
            return inner.acquire(key, request);
          }
          await sleep(clock, 60_000 - (now % 60_000), request.signal);
        }
      },
    };
  },
};

describe('the limits contract', () => {
  it.each(Object.entries(brokenLimits))(
    'catches a violation of %s, and nothing else',
    async (rule, create) => {
      const { failed, reasons } = await outcomeOf((runner) => testLimitsContract(runner, { create }));
      expect(failed.map(numberOf), reasons.join('\n')).toEqual([rule]);
    },
  );

  it('numbers its rules without a gap, and leaves out minutes of waiting on a real clock', async () => {
    const create: Create = (limits, clock) => createMemoryLimits(limits, clock);
    const { rules, failed } = await outcomeOf((runner) => testLimitsContract(runner, { create }));
    expect(failed).toEqual([]);
    expect(rules.map(numberOf)).toEqual(rules.map((_, index) => `limits ${index + 1}`));
    const names: string[] = [];
    testLimitsContract(
      { describe: (_name, body) => body(), it: (name) => names.push(name) },
      { create, time: 'real' },
    );
    expect(rules.filter((rule) => !names.includes(rule)).map(numberOf)).toEqual([
      'limits 23',
      'limits 24',
      'limits 25',
    ]);
  });
});
