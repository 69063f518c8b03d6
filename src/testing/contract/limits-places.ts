import { deepEqual, equal, fail, ok } from 'node:assert/strict';
import type { LimitsClause } from './limits-rig.js';

/** The cap is 3 pre-recorded requests and 2 streams. */
const CAP = 3;

/** How many hold a place at the same time. */
export const placeClauses: readonly LimitsClause[] = [
  {
    rule: 'limits 1: the modes sync and async share the places of the cap',
    async check(rig) {
      for (let index = 0; index < 10; index++) {
        rig.ask(`ask ${index}`, { key: { mode: index % 2 === 0 ? 'sync' : 'async' } });
      }
      await rig.grants(CAP);
      await rig.releaseUntil(10);
    },
  },
  {
    rule: 'limits 2: under load, with newcomers as places are given back, the cap is used in full and never exceeded',
    async check(rig) {
      let held = 0;
      let most = 0;
      const work = async (index: number): Promise<void> => {
        for (let round = 0; round < 10; round++) {
          const ask = rig.ask(`ask ${index}-${round}`);
          await ask.settled;
          const lease = ask.lease ?? fail(`${ask.name} was refused: ${String(ask.error)}`);
          held += 1;
          most = Math.max(most, held);
          for (let turn = index % 4; turn >= 0; turn--) await new Promise((resolve) => setImmediate(resolve));
          held -= 1;
          lease.release();
        }
      };
      await Promise.all(Array.from({ length: 20 }, (_, index) => work(index)));
      equal(most, CAP);
    },
  },
  {
    rule: 'limits 3: a place that is given back goes to the next one, in whatever order they are given back',
    async check(rig) {
      for (let index = 0; index < CAP + 2; index++) rig.ask(`ask ${index}`);
      await rig.grants(CAP);
      rig.granted[1]?.lease?.release();
      await rig.grants(CAP + 1);
      rig.granted[0]?.lease?.release();
      await rig.grants(CAP + 2);
    },
  },
  {
    rule: 'limits 4: releasing twice gives back one place',
    async check(rig) {
      for (let index = 0; index < CAP + 3; index++) rig.ask(`ask ${index}`);
      await rig.grants(CAP);
      rig.granted[0]?.lease?.release();
      rig.granted[0]?.lease?.release();
      await rig.grants(CAP + 1);
      rig.granted[0]?.lease?.release();
      await rig.grants(CAP + 1);
    },
  },
  {
    rule: 'limits 5: projects have places of their own',
    async check(rig) {
      for (let index = 0; index < CAP + 1; index++) rig.ask(`ask ${index}`);
      await rig.grants(CAP);
      await rig.take('other project', { key: { project: 'project-2' } });
    },
  },
  {
    rule: 'limits 6: endpoints have places of their own',
    async check(rig) {
      for (let index = 0; index < CAP + 1; index++) rig.ask(`ask ${index}`);
      await rig.grants(CAP);
      await rig.take('other endpoint', { key: { endpoint: 'endpoint-2' } });
    },
  },
  {
    rule: 'limits 7: streams have places of their own, with a cap of their own',
    async check(rig) {
      for (let index = 0; index < CAP; index++) await rig.take(`request ${index}`);
      for (let index = 0; index < 4; index++) rig.ask(`stream ${index}`, { key: { mode: 'stream' } });
      await rig.grants(CAP + 2);
      rig.granted[CAP]?.lease?.release();
      await rig.grants(CAP + 3);
    },
  },
  {
    rule: 'limits 8: a signal that aborts after the place was given changes nothing',
    async check(rig) {
      const controller = new AbortController();
      await rig.take('holder', { signal: controller.signal });
      for (let index = 1; index < CAP + 1; index++) rig.ask(`ask ${index}`);
      await rig.grants(CAP);
      controller.abort(new Error('too late'));
      await rig.grants(CAP);
      rig.granted[0]?.lease?.release();
      await rig.grants(CAP + 1);
    },
  },
  {
    rule: 'limits 9: a place says how long its caller waited',
    async check(rig) {
      const first = await rig.take('first');
      ok(first.waitedMs >= 0 && first.waitedMs < 200, `waited ${first.waitedMs} ms`);
      for (const name of ['second', 'third']) await rig.take(name);
      const waiting = rig.ask('waiting');
      await rig.time.pass(300);
      first.release();
      await rig.time.until('the place is given', () => waiting.lease !== undefined);
      const waitedMs = waiting.lease?.waitedMs ?? Number.NaN;
      ok(waitedMs >= 298 && waitedMs < 1500, `waited ${waitedMs} ms`);
    },
  },
  {
    rule: 'limits 10: places that were given back while nobody waited are given out at once',
    async check(rig) {
      for (let round = 0; round < 3; round++) {
        const leases = [];
        for (let index = 0; index < CAP; index++) leases.push(await rig.take(`${round}-${index}`));
        for (const lease of leases) lease.release();
      }
      deepEqual(rig.granted.length, 3 * CAP);
    },
  },
];
