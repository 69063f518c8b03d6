import { deepEqual, equal, ok } from 'node:assert/strict';
import { entry, type QueueClause } from './queue-rig.js';

const DELAY_MS = 300;
/** Timers of the machine may fire a little early by another clock. */
const ROUNDING_MS = 2;

/** Entries whose time has not come, or has come again. */
export const delayClauses: readonly QueueClause[] = [
  {
    rule: 'queue 6: an entry does not run before its delay has passed, and does run after it',
    async check(rig) {
      rig.start();
      const addedAt = rig.time.clock.monotonicMs();
      await rig.queue.add([entry('late', { delayMs: DELAY_MS })]);
      await rig.time.passUntil('the entry runs', DELAY_MS + 50, () => rig.runs.length > 0);
      const run = await rig.run(0);
      ok(run.atMs - addedAt >= DELAY_MS - ROUNDING_MS, `ran after ${run.atMs - addedAt} ms`);
      run.end();
      await rig.idle();
    },
  },
  {
    rule: 'queue 7: a delayed entry keeps no other from running',
    async check(rig) {
      rig.start();
      await rig.queue.add([entry('late', { delayMs: 60_000 }), entry('now', { priority: 9 })]);
      const run = await rig.run(0);
      equal(run.entry.id, 'now');
      run.end();
      await rig.depth({ waiting: 0, delayed: 1, active: 0 });
      equal(await rig.queue.cancel('late'), true);
    },
  },
  {
    rule: 'queue 12: an entry whose outcome is again runs again, not before the delay that was asked for',
    async check(rig) {
      rig.start();
      await rig.add('a');
      const first = await rig.run(0);
      const endedAt = rig.time.clock.monotonicMs();
      first.end({ type: 'again', delayMs: DELAY_MS });
      await rig.time.passUntil('the entry runs again', DELAY_MS + 50, () => rig.runs.length > 1);
      const second = await rig.run(1);
      ok(second.atMs - endedAt >= DELAY_MS - ROUNDING_MS, `ran after ${second.atMs - endedAt} ms`);
      second.end({ type: 'again', delayMs: 0 });
      (await rig.run(2)).end();
      await rig.idle();
      deepEqual(rig.ids, ['a', 'a', 'a']);
    },
  },
  {
    rule: 'queue 38: adding an id that is delayed changes nothing',
    async check(rig) {
      rig.start();
      const addedAt = rig.time.clock.monotonicMs();
      await rig.queue.add([entry('late', { delayMs: DELAY_MS })]);
      await rig.queue.add([entry('late'), entry('late', { delayMs: 10 * DELAY_MS })]);
      await rig.time.passUntil('the entry runs', DELAY_MS + 50, () => rig.runs.length > 0);
      const run = await rig.run(0);
      ok(run.atMs - addedAt >= DELAY_MS / 2, `ran after ${run.atMs - addedAt} ms`);
      await rig.drain(1);
      deepEqual(rig.ids, ['late']);
    },
  },
  {
    rule: 'queue 39: of two delayed entries the one whose delay ends first runs first',
    async check(rig) {
      rig.start();
      await rig.queue.add([entry('long', { delayMs: 2 * DELAY_MS }), entry('short', { delayMs: DELAY_MS })]);
      await rig.time.passUntil('one runs', DELAY_MS + 50, () => rig.runs.length > 0);
      (await rig.run(0)).end();
      await rig.time.passUntil('both run', DELAY_MS + 50, () => rig.runs.length > 1);
      await rig.drain(2);
      deepEqual(rig.ids, ['short', 'long']);
    },
  },
  {
    rule: 'queue 40: an entry whose delay is over takes its place by its priority',
    async check(rig) {
      rig.start();
      await rig.add('first');
      await rig.run(0);
      await rig.queue.add([entry('p1', { priority: 1, delayMs: DELAY_MS }), entry('p3', { priority: 3 })]);
      await rig.queue.add([entry('p2', { priority: 2 })]);
      await rig.time.pass(DELAY_MS + 50);
      await rig.depth({ waiting: 3, delayed: 0, active: 1 });
      await rig.drain(4);
      deepEqual(rig.ids, ['first', 'p1', 'p2', 'p3']);
    },
  },
  {
    rule: 'queue 41: an entry that runs again takes its place by its priority',
    async check(rig) {
      rig.start();
      await rig.queue.add([entry('p2', { priority: 2 })]);
      const first = await rig.run(0);
      await rig.queue.add([entry('p3', { priority: 3 }), entry('p1', { priority: 1 })]);
      first.end({ type: 'again', delayMs: 0 });
      await rig.drain(4);
      deepEqual(rig.ids, ['p2', 'p1', 'p2', 'p3']);
    },
  },
];
