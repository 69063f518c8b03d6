import type { LimitLease } from '../../src/contracts/limits.js';
import type { LimitsContractOptions } from '../../src/testing/contract/limits.js';
import { broken, rekeyed, watched } from './broken-limit.js';
import type { BrokenAdapter } from './prove-rules.js';

/** Each violates the one rule that it stands under. */
export const brokenLimitsPlaces: Readonly<Record<string, BrokenAdapter<LimitsContractOptions>>> = {
  'limits 1': rekeyed('places', (key) =>
    key.mode === 'async' ? { ...key, endpoint: `${key.endpoint} async` } : key,
  ),
  // Who comes in the turn of a release gets that place as well.
  'limits 2': {
    ...broken('places', (acquire) => {
      let isReleasing = false;
      return async (key, request) => {
        if (isReleasing) return { waitedMs: 0, release: () => undefined };
        return watched(await acquire(key, request), () => {
          isReleasing = true;
          setImmediate(() => {
            isReleasing = false;
          });
        });
      };
    }),
    alsoFails: ['limits 34'],
  },
  // Places are given back in the order in which they were given out.
  'limits 3': broken('places', (acquire) => {
    const heldFor = new Map<string, { lease: LimitLease; isReleased: boolean }[]>();
    return async (key, request) => {
      const place = { lease: await acquire(key, request), isReleased: false };
      const held = heldFor.get(`${key.project} ${key.mode}`) ?? [];
      heldFor.set(`${key.project} ${key.mode}`, held);
      held.push(place);
      return watched({ waitedMs: place.lease.waitedMs, release: () => undefined }, () => {
        place.isReleased = true;
        while (held[0]?.isReleased) held.shift()?.lease.release();
      });
    };
  }),
  'limits 4': broken('places', (acquire) => {
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
  'limits 5': rekeyed('places', (key) => ({ ...key, project: 'one' })),
  'limits 6': rekeyed('places', (key) => ({ ...key, endpoint: 'one' })),
  'limits 7': rekeyed('places', (key) => ({ ...key, mode: 'sync' })),
  'limits 8': broken('places', (acquire) => async (key, request) => {
    const lease = await acquire(key, request);
    request.signal.addEventListener('abort', () => lease.release());
    return lease;
  }),
  'limits 9': broken('places', (acquire) => async (key, request) => {
    const lease = await acquire(key, request);
    return { waitedMs: 0, release: () => lease.release() };
  }),
  // A place that comes free while others are held, and nobody waits, is forgotten.
  'limits 10': broken('places', (acquire) => {
    let held = 0;
    let waiting = 0;
    return async (key, request) => {
      waiting += 1;
      const lease = await acquire(key, request).finally(() => {
        waiting -= 1;
      });
      held += 1;
      return watched({ waitedMs: lease.waitedMs, release: () => undefined }, () => {
        held -= 1;
        if (held === 0 || waiting > 0) lease.release();
      });
    };
  }),
};
