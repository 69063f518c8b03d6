import { deepEqual, equal, ok } from 'node:assert/strict';
import { AbortedError } from '../../errors/index.js';
import type { LimitsClause, LimitsRig } from './limits-rig.js';

/** There are 100 places, and 5 starts a minute. */
const STARTS = 5;
const MINUTE_MS = 60_000;

function most(rig: LimitsRig): number {
  const starts = rig.granted.map(({ atMs }) => atMs ?? Number.NaN);
  return Math.max(...starts.map((from) => starts.filter((at) => at >= from && at < from + MINUTE_MS).length));
}

/** Starts in time. */
export const rateClauses: readonly LimitsClause[] = [
  {
    rule: 'limits 21: as many may start at once as a minute allows, and no more',
    async check(rig) {
      for (let index = 0; index < STARTS + 3; index++) rig.ask(`ask ${index}`);
      await rig.grants(STARTS);
    },
  },
  {
    rule: 'limits 22: giving a place back gives no start back',
    async check(rig) {
      for (let index = 0; index < STARTS; index++) (await rig.take(`ask ${index}`)).release();
      rig.ask('one more');
      await rig.grants(STARTS);
    },
  },
  {
    rule: 'limits 23: the starts of a minute may begin again when it is over',
    needs: ['clock'],
    async check(rig) {
      for (let index = 0; index < 2 * STARTS; index++) rig.ask(`ask ${index}`);
      await rig.grants(STARTS);
      await rig.time.pass(MINUTE_MS + 1);
      await rig.grants(2 * STARTS);
    },
  },
  {
    rule: 'limits 24: in no stretch of 60 seconds do more start than a minute allows, wherever it begins',
    needs: ['clock'],
    async check(rig) {
      // A counter that starts anew every minute would let these and the next ones through.
      await rig.time.pass(50_000);
      for (let index = 0; index < STARTS; index++) {
        rig.ask(`late ${index}`);
        await rig.time.pass(1000);
      }
      for (let index = 0; index < 3 * STARTS; index++) {
        rig.ask(`more ${index}`);
        await rig.time.pass(5000);
      }
      await rig.time.pass(4 * MINUTE_MS);
      await rig.grants(4 * STARTS);
      ok(most(rig) <= STARTS, `${most(rig)} started within 60 seconds`);
    },
  },
  {
    rule: 'limits 25: one that was aborted while it waited for its start uses none up',
    needs: ['clock'],
    async check(rig) {
      for (let index = 0; index < STARTS; index++) await rig.take(`ask ${index}`);
      const controller = new AbortController();
      const aborted = rig.ask('aborted', { signal: controller.signal });
      await rig.time.pass(1000);
      controller.abort(new AbortedError('Stopped by the rule.', { code: 'client_closed' }));
      await aborted.settled;
      equal(aborted.lease, undefined);
      for (let index = 0; index < STARTS; index++) rig.ask(`next ${index}`);
      await rig.time.pass(MINUTE_MS);
      await rig.grants(2 * STARTS);
    },
  },
  {
    rule: 'limits 26: starts of another project or endpoint count for themselves',
    async check(rig) {
      for (let index = 0; index <= STARTS; index++) rig.ask(`ask ${index}`);
      await rig.grants(STARTS);
      await rig.take('other project', { key: { project: 'project-2' } });
      await rig.take('other endpoint', { key: { endpoint: 'endpoint-2' } });
      deepEqual(rig.names.slice(STARTS), ['other project', 'other endpoint']);
    },
  },
];
