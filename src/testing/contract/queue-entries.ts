import { deepEqual, equal } from 'node:assert/strict';
import type { EntryHandler } from '../../contracts/queue.js';
import { entry, type QueueClause } from './queue-rig.js';

const DELAY_MS = 300;
/** Longer than a lease or lock on an entry is. */
const LONG_MS = 600_000;

/** Which entries run, in what order and when. */
export const entryClauses: readonly QueueClause[] = [
  {
    rule: 'queue 2: entries that were added before the worker starts are run, also where their delay is over',
    async check(rig) {
      await rig.add('a', 'b');
      await rig.queue.add([entry('late', { priority: 1, delayMs: DELAY_MS })]);
      await rig.time.pass(DELAY_MS + 50);
      await rig.time.settle();
      equal(rig.runs.length, 0);
      rig.start();
      await rig.drain(3);
      deepEqual(rig.ids, ['a', 'b', 'late']);
    },
  },
  {
    rule: 'queue 3: the handler gets the id and the priority of its entry, and a signal that is not aborted',
    async check(rig) {
      await rig.queue.add([entry("odd 'id'/é", { priority: 7 })]);
      rig.start();
      const run = await rig.run(0);
      deepEqual({ id: run.entry.id, priority: run.entry.priority }, { id: "odd 'id'/é", priority: 7 });
      equal(run.signal.aborted, false);
      run.end();
      await rig.idle();
    },
  },
  {
    rule: 'queue 4: smaller priorities run first',
    async check(rig) {
      const priorities = [3, 0, 4, 1, 2];
      await rig.queue.add(priorities.map((priority) => entry(`p${priority}`, { priority })));
      rig.start();
      await rig.drain(priorities.length);
      deepEqual(rig.ids, ['p0', 'p1', 'p2', 'p3', 'p4']);
    },
  },
  {
    rule: 'queue 5: entries of one priority run in the order of their arrival',
    async check(rig) {
      rig.start();
      await rig.add('first');
      await rig.run(0);
      await rig.add('b', 'a');
      await rig.add('d');
      await rig.add('c');
      await rig.drain(5);
      deepEqual(rig.ids, ['first', 'b', 'a', 'd', 'c']);
    },
  },
  {
    rule: 'queue 8: as many entries run at a time as the concurrency says, and never more',
    async check(rig) {
      await rig.add(...Array.from({ length: 12 }, (_, index) => `e${index}`));
      rig.start(3);
      for (let ended = 0; ended < 12; ended++) {
        await rig.run(Math.min(ended + 2, 11));
        await rig.time.settle();
        equal(rig.runs.length, Math.min(ended + 3, 12));
        rig.runs[ended]?.end();
      }
      await rig.idle();
    },
  },
  {
    rule: 'queue 9: adding an id that waits changes nothing',
    async check(rig) {
      await rig.add('a', 'b', 'a');
      await rig.queue.add([entry('b', { priority: 0 }), entry('a', { priority: 9 })]);
      await rig.depth({ waiting: 2, delayed: 0, active: 0 });
      rig.start();
      await rig.drain(2);
      await rig.time.settle();
      deepEqual(rig.ids, ['a', 'b']);
    },
  },
  {
    rule: 'queue 10: adding an id that runs changes nothing',
    async check(rig) {
      rig.start(2);
      await rig.add('a');
      const run = await rig.run(0);
      await rig.add('a');
      await rig.depth({ waiting: 0, delayed: 0, active: 1 });
      run.end();
      await rig.idle();
      await rig.time.settle();
      deepEqual(rig.ids, ['a']);
    },
  },
  {
    rule: 'queue 11: an id that is done can be added again',
    async check(rig) {
      rig.start();
      await rig.add('a');
      await rig.drain(1);
      await rig.add('a');
      await rig.drain(2);
      deepEqual(rig.ids, ['a', 'a']);
    },
  },
  {
    rule: 'queue 13: an entry whose outcome is done does not run again, however much time goes by',
    needs: ['clock'],
    async check(rig) {
      rig.start();
      await rig.add('a', 'b');
      await rig.drain(2);
      await rig.time.pass(LONG_MS);
      deepEqual(rig.ids, ['a', 'b']);
    },
  },
  {
    rule: 'queue 14: depth counts the entries that wait, are delayed and run',
    async check(rig) {
      await rig.add('a', 'b', 'c');
      await rig.queue.add([entry('late', { delayMs: 60_000 })]);
      await rig.depth({ waiting: 3, delayed: 1, active: 0 });
      rig.start(2);
      await rig.run(1);
      await rig.depth({ waiting: 1, delayed: 1, active: 2 });
      equal(await rig.queue.cancel('late'), true);
      await rig.drain(3);
    },
  },
  {
    rule: 'queue 15: what the handler throws goes to onError, and its entry is done',
    async check(rig) {
      rig.start();
      await rig.add('a', 'b');
      const error = new Error('thrown by the handler');
      (await rig.run(0)).fail(error);
      (await rig.run(1)).end();
      await rig.idle();
      await rig.time.settle();
      deepEqual(rig.ids, ['a', 'b']);
      equal(rig.errors.filter((reported) => reported === error).length, 1);
    },
  },
  {
    rule: 'queue 16: of 500 entries each runs once',
    async check(rig) {
      const ids = Array.from({ length: 500 }, (_, index) => `e${index}`);
      const begun: string[] = [];
      const handler: EntryHandler = async ({ id }) => {
        begun.push(id);
        await new Promise((resolve) => setImmediate(resolve));
        return { type: 'done' };
      };
      const half = ids.splice(250);
      await rig.queue.add(ids.map((id, index) => entry(id, { priority: index % 5 })));
      rig.start(8, rig.queue, handler);
      for (const id of half) await rig.add(id);
      await rig.time.until('500 entries have run', () => begun.length >= 500);
      await rig.idle();
      deepEqual(begun.sort(), [...ids, ...half].sort());
    },
  },
  {
    rule: 'queue 44: an entry that runs for ten minutes runs once',
    needs: ['clock'],
    async check(rig) {
      rig.start(2);
      await rig.add('a');
      const run = await rig.run(0);
      await rig.time.pass(LONG_MS);
      deepEqual({ ids: rig.ids, aborted: run.signal.aborted }, { ids: ['a'], aborted: false });
      run.end();
      await rig.idle();
    },
  },
];
