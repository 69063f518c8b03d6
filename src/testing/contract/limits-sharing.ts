import { deepEqual, equal, fail, ok } from 'node:assert/strict';
import type { LimitsAdapter } from '../../contracts/limits.js';
import type { LimitsClause, LimitsRig } from './limits-rig.js';

/** The cap is 3 pre-recorded requests and 2 streams. */
const CAP = 3;
/** There are 100 places, and 5 starts a minute. */
const STARTS = 5;

/** Asks, holds the place for a moment, and asks again, so many times. Tells how many are held at a time. */
async function work(
  rig: LimitsRig,
  adapter: LimitsAdapter,
  rounds: number,
  onHeld: (by: number) => void,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const ask = rig.ask(`round ${round}`, { adapter });
    await ask.settled;
    const lease = ask.lease ?? fail(`${ask.name} was refused: ${String(ask.error)}`);
    onHeld(1);
    await new Promise((resolve) => setImmediate(resolve));
    onHeld(-1);
    lease.release();
  }
}

/** What holds between adapters of one back end: those of several processes. */
export const sharedPlaceClauses: readonly LimitsClause[] = [
  {
    rule: 'limits 33: adapters of one back end share its places, and a place that one gives back goes to another',
    needs: ['shared'],
    async check(rig) {
      const adapter = await rig.another();
      const first = await rig.take('first');
      await rig.take('second', { adapter });
      await rig.take('third');
      const waiting = rig.ask('waiting', { adapter });
      await rig.grants(CAP);
      first.release();
      await rig.time.until('the other adapter gives the place', () => waiting.lease !== undefined);
    },
  },
  {
    rule: 'limits 34: under load of several adapters the cap is used in full and never exceeded',
    needs: ['shared'],
    async check(rig) {
      const adapters = [await rig.another(), await rig.another(), await rig.another()];
      let held = 0;
      let most = 0;
      const onHeld = (by: number): void => {
        held += by;
        most = Math.max(most, held);
      };
      await Promise.all(
        Array.from({ length: 15 }, (_, index) => work(rig, adapters[index % 3] as LimitsAdapter, 10, onHeld)),
      );
      equal(most, CAP);
    },
  },
  {
    rule: 'limits 35: those who wait at one adapter do not keep out those at another, however many come',
    needs: ['shared'],
    async check(rig) {
      const adapter = await rig.another();
      let isOver = false;
      let rounds = 0;
      const keepAsking = async (): Promise<void> => {
        while (!isOver && rounds < 300) {
          rounds += 1;
          await work(rig, adapter, 1, () => undefined);
        }
      };
      const busy = Array.from({ length: 4 * CAP }, keepAsking);
      try {
        await rig.time.until('the other adapter is busy', () => rounds > 4 * CAP);
        const before = rounds;
        (await rig.take('other')).release();
        ok(rounds - before < 100, `${rounds - before} of the other adapter went ahead`);
      } finally {
        isOver = true;
        await Promise.allSettled(busy);
      }
    },
  },
];

export const sharedRateClauses: readonly LimitsClause[] = [
  {
    rule: 'limits 36: adapters of one back end share the starts of a minute',
    needs: ['shared'],
    async check(rig) {
      const adapter = await rig.another();
      for (let index = 0; index < STARTS; index++) {
        await rig.take(`ask ${index}`, index % 2 === 0 ? {} : { adapter });
      }
      rig.ask('one more');
      rig.ask('one more of the other', { adapter });
      await rig.grants(STARTS);
      deepEqual(rig.names.length, STARTS);
    },
  },
];
