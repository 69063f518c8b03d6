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
    rule: 'limits 21: the modes sync and async share the starts of a minute, and streams need none',
    async check(rig) {
      await rig.take('stream', { key: { mode: 'stream' } });
      for (let index = 0; index < STARTS + 3; index++) {
        rig.ask(`ask ${index}`, { key: { mode: index % 2 === 0 ? 'sync' : 'async' } });
      }
      await rig.grants(STARTS + 1);
      await rig.take('another stream', { key: { mode: 'stream' } });
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
  {
    rule: 'limits 30: of those who wait for a start smaller priorities go first',
    needs: ['clock'],
    async check(rig) {
      for (let index = 0; index < STARTS; index++) await rig.take(`ask ${index}`);
      await rig.line(['head', 9], ['p3', 3], ['p1', 1], ['p2', 2]);
      await rig.time.pass(MINUTE_MS + 1000);
      await rig.grants(STARTS + 4);
      deepEqual(
        rig.names.filter((name) => name.startsWith('p')),
        ['p1', 'p2', 'p3'],
      );
    },
  },
  {
    rule: 'limits 31: a place says how long its caller waited for the start',
    needs: ['clock'],
    async check(rig) {
      for (let index = 0; index < STARTS; index++) await rig.take(`ask ${index}`);
      await rig.time.pass(20_000);
      const waiting = rig.ask('waiting');
      await rig.time.pass(MINUTE_MS);
      await waiting.settled;
      const waitedMs = waiting.lease?.waitedMs ?? Number.NaN;
      ok(waitedMs >= 40_000 && waitedMs <= 41_000, `waited ${waitedMs} ms`);
    },
  },
  {
    rule: 'limits 32: a change of the wall clock gives no starts',
    needs: ['clock'],
    async check(rig) {
      for (let index = 0; index < 2 * STARTS; index++) rig.ask(`ask ${index}`);
      await rig.grants(STARTS);
      rig.time.shiftWall(3_600_000);
      rig.ask('one more');
      await rig.time.pass(1000);
      await rig.grants(STARTS);
    },
  },
];
