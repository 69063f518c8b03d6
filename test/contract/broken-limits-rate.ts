import type { LimitsContractOptions } from '../../src/testing/contract/limits.js';
import { broken, counting, ghost, rekeyed } from './broken-limit.js';
import type { BrokenAdapter } from './prove-rules.js';

const MINUTE_MS = 60_000;

/** Each violates the one rule that it stands under. */
export const brokenLimitsRate: Readonly<Record<string, BrokenAdapter<LimitsContractOptions>>> = {
  'limits 21': rekeyed('starts', (key) => ({ ...key, mode: 'sync' })),
  'limits 22': counting({ isOver: (at, now) => now - at >= MINUTE_MS, isGivenBack: true }),
  'limits 23': counting({ isOver: (at, now) => now - at >= MINUTE_MS + 500 }),
  // A counter that begins anew every minute.
  'limits 24': counting({
    isOver: (at, now) => Math.floor(at / MINUTE_MS) < Math.floor(now / MINUTE_MS),
  }),
  'limits 25': broken('starts', (acquire) => ghost(() => true, acquire)),
  'limits 26': rekeyed('starts', (key) => ({ ...key, endpoint: 'one' })),
  'limits 30': broken('starts', (acquire) => (key, request) => acquire(key, { ...request, priority: 0 })),
  'limits 31': broken('starts', (acquire) => async (key, request) => {
    const { release } = await acquire(key, request);
    return { waitedMs: 0, release };
  }),
  'limits 32': counting({
    isOver: (at, now) => now - at >= MINUTE_MS,
    now: (clock) => clock.wallMs(),
  }),
};
