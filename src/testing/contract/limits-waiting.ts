import { deepEqual, equal } from 'node:assert/strict';
import { AbortedError, RateLimitError } from '../../errors/index.js';
import type { LimitsClause, LimitsRig } from './limits-rig.js';

/** There is one place, and up to 4 may wait. */
const MOST_WAITING = 4;
const OTHER_KEY = { project: 'project-2', endpoint: 'endpoint-2' };

function stop(): AbortedError {
  return new AbortedError('Stopped by the rule.', { code: 'client_closed' });
}

/** A holder of the only place, and one who waits until the given controller is aborted, in front of others. */
async function abortable(rig: LimitsRig, reason = stop()) {
  const holder = await rig.take('holder');
  const controller = new AbortController();
  const waiter = rig.ask('aborted', { signal: controller.signal });
  await rig.time.settle();
  const abort = async (): Promise<void> => {
    controller.abort(reason);
    await rig.time.until('the waiter is refused', () => waiter.error !== undefined);
  };
  return { holder, waiter, abort, reason };
}

/** Who waits, in what order, and how it ends. */
export const waitingClauses: readonly LimitsClause[] = [
  {
    rule: 'limits 11: smaller priorities go first; one that is first in line already may stay there',
    async check(rig) {
      const holder = await rig.take('holder');
      await rig.line(['head', 9], ['p3', 3], ['p1', 1], ['p2', 2]);
      holder.release();
      await rig.releaseUntil(5, 1);
      deepEqual(
        rig.names.filter((name) => name.startsWith('p')),
        ['p1', 'p2', 'p3'],
      );
    },
  },
  {
    rule: 'limits 12: of one priority those go first who came first',
    async check(rig) {
      const holder = await rig.take('holder');
      await rig.line(['d', 1], ['a', 1], ['c', 1], ['b', 1]);
      holder.release();
      await rig.releaseUntil(5, 1);
      deepEqual(rig.names, ['holder', 'd', 'a', 'c', 'b']);
    },
  },
  {
    rule: 'limits 13: where too many wait the next one is refused with a RateLimitError too_many_waiting',
    async check(rig) {
      await rig.take('holder');
      await rig.line(['a', 0], ['b', 0], ['c', 0], ['d', 0]);
      const refused = rig.ask('refused');
      await rig.time.until('it is refused', () => refused.error !== undefined);
      const { error } = refused;
      equal(error instanceof RateLimitError && error.code, 'too_many_waiting');
    },
  },
  {
    rule: 'limits 14: one that is refused takes no place, and those who wait keep theirs',
    async check(rig) {
      const holder = await rig.take('holder');
      await rig.line(['a', 0], ['b', 0], ['c', 0], ['d', 0]);
      const refused = rig.ask('refused');
      await rig.time.settle();
      holder.release();
      await rig.releaseUntil(MOST_WAITING + 1, 1);
      await refused.settled;
      await rig.take('later');
      deepEqual(rig.names.sort(), ['a', 'b', 'c', 'd', 'holder', 'later']);
    },
  },
  {
    rule: 'limits 15: who has got a place no longer counts as waiting',
    async check(rig) {
      const holder = await rig.take('holder');
      await rig.line(['a', 0], ['b', 0], ['c', 0], ['d', 0]);
      holder.release();
      await rig.grants(2);
      const next = rig.ask('next');
      await rig.releaseUntil(MOST_WAITING + 2, 1);
      equal(next.error, undefined);
    },
  },
  {
    rule: 'limits 16: one that waits rejects with the reason of its signal',
    async check(rig) {
      const { waiter, abort, reason } = await abortable(rig);
      await abort();
      equal(waiter.error, reason);
    },
  },
  {
    rule: 'limits 17: the abort of one that waits frees no place',
    async check(rig) {
      const { abort } = await abortable(rig);
      await rig.line(['next', 0]);
      await abort();
      await rig.grants(1);
    },
  },
  {
    rule: 'limits 18: the abort of one that waits holds no place',
    async check(rig) {
      const { holder, abort } = await abortable(rig);
      await rig.line(['next', 0]);
      await abort();
      holder.release();
      await rig.releaseUntil(2, 1);
      await rig.take('later');
      deepEqual(rig.names, ['holder', 'next', 'later']);
    },
  },
  {
    rule: 'limits 19: one that was aborted behind others no longer counts as waiting',
    async check(rig) {
      const holder = await rig.take('holder');
      await rig.line(['a', 0]);
      const controller = new AbortController();
      const aborted = ['b', 'c', 'd'].map((name) => rig.ask(name, { signal: controller.signal }));
      await rig.time.settle();
      controller.abort(stop());
      await Promise.all(aborted.map(({ settled }) => settled));
      await rig.line(['e', 0], ['f', 0], ['g', 0]);
      holder.release();
      await rig.releaseUntil(5, 1);
      deepEqual(rig.names.sort(), ['a', 'e', 'f', 'g', 'holder']);
    },
  },
  {
    rule: 'limits 20: a signal that has aborted already is refused with its reason and takes no place',
    async check(rig) {
      const reason = stop();
      const refused = rig.ask('refused', { signal: AbortSignal.abort(reason) });
      await refused.settled;
      equal(refused.error, reason);
      await rig.take('next');
    },
  },
  {
    rule: 'limits 27: a place that comes free at the moment of an abort goes to one of the two, and is not lost',
    async check(rig) {
      for (const order of ['release first', 'abort first']) {
        const holder = await rig.take('holder');
        const controller = new AbortController();
        const waiter = rig.ask('waiter', { signal: controller.signal });
        await rig.time.settle();
        if (order === 'release first') holder.release();
        controller.abort(stop());
        holder.release();
        await waiter.settled;
        waiter.lease?.release();
        (await rig.take(`after ${order}`)).release();
      }
    },
  },
  {
    rule: 'limits 28: those who wait for one key do not count at another one',
    async check(rig) {
      await rig.take('holder');
      await rig.line(['a', 0], ['b', 0], ['c', 0], ['d', 0]);
      const holder = await rig.take('other holder', { key: OTHER_KEY });
      const waiting = rig.ask('other waiter', { key: OTHER_KEY });
      await rig.time.settle();
      equal(waiting.error, undefined);
      holder.release();
      await rig.time.until('the other waiter gets the place', () => waiting.lease !== undefined);
    },
  },
  {
    rule: 'limits 29: where the reason of a signal is no TranscriptionError, the caller gets an AbortedError',
    async check(rig) {
      await rig.take('holder');
      const controller = new AbortController();
      const waiter = rig.ask('waiter', { signal: controller.signal });
      const late = rig.ask('late', { signal: AbortSignal.abort() });
      await rig.time.settle();
      controller.abort();
      await Promise.all([waiter.settled, late.settled]);
      for (const { name, error } of [waiter, late]) equal(error instanceof AbortedError, true, name);
    },
  },
];
