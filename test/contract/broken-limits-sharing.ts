import { createMemoryLimits } from '../../src/adapters/memory/index.js';
import type { LimitsContractOptions } from '../../src/testing/contract/limits.js';
import { brokenSharing } from './broken-limit.js';
import type { BrokenAdapter } from './prove-rules.js';

/** Each violates the one rule that it stands under. */
export const brokenLimitsSharing: Readonly<Record<string, BrokenAdapter<LimitsContractOptions>>> = {
  // Each adapter counts for itself.
  'limits 33': {
    ...brokenSharing('places', (_first, limits, clock) => createMemoryLimits(limits, clock)),
    alsoFails: ['limits 34'],
  },
  // Under load, who asks at a moment when the other adapter releases gets that place as well.
  'limits 34': brokenSharing('places', (first) => {
    let waiting = 0;
    return {
      async acquire(key, request) {
        if (waiting > 2) return { waitedMs: 0, release: () => undefined };
        waiting += 1;
        return first.acquire(key, request).finally(() => {
          waiting -= 1;
        });
      },
    };
  }),
  // Those of the second adapter are always ahead.
  'limits 35': brokenSharing('places', (first) => ({
    acquire: (key, request) => first.acquire(key, { ...request, priority: request.priority - 1 }),
  })),
  'limits 36': brokenSharing('starts', (_first, limits, clock) => createMemoryLimits(limits, clock)),
};
