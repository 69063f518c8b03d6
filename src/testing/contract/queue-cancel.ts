import { deepEqual, equal } from 'node:assert/strict';
import { AbortedError } from '../../errors/index.js';
import { entry, type QueueClause } from './queue-rig.js';

/** Cancelling, in each state. */
export const cancelClauses: readonly QueueClause[] = [
  {
    rule: 'queue 17: cancel says false for an id that is unknown, done or cancelled already',
    async check(rig) {
      await rig.add('done', 'gone');
      equal(await rig.queue.cancel('gone'), true);
      rig.start();
      await rig.drain(1);
      for (const id of ['unknown', 'done', 'gone', '__proto__']) equal(await rig.queue.cancel(id), false, id);
    },
  },
  {
    rule: 'queue 18: a waiting entry that was cancelled does not run',
    async check(rig) {
      await rig.add('a', 'b', 'c');
      await rig.queue.add([entry('later', { priority: 5 })]);
      equal(await rig.queue.cancel('b'), true);
      equal(await rig.queue.cancel('later'), true);
      await rig.depth({ waiting: 2, delayed: 0, active: 0 });
      rig.start();
      await rig.drain(2);
      await rig.time.settle();
      deepEqual(rig.ids, ['a', 'c']);
    },
  },
  {
    rule: 'queue 19: a delayed entry that was cancelled does not run',
    async check(rig) {
      rig.start();
      await rig.queue.add([entry('late', { delayMs: 100 })]);
      equal(await rig.queue.cancel('late'), true);
      await rig.time.pass(200);
      await rig.time.settle();
      deepEqual(rig.ids, []);
      await rig.idle();
    },
  },
  {
    rule: 'queue 20: cancel aborts the signal of a running entry with an AbortedError job_cancelled',
    async check(rig) {
      rig.start();
      await rig.add('a');
      const run = await rig.run(0);
      equal(await rig.queue.cancel('a'), true);
      await rig.time.until('the signal is aborted', () => run.signal.aborted);
      const reason: unknown = run.signal.reason;
      equal(reason instanceof AbortedError && reason.code, 'job_cancelled');
      run.end();
      await rig.idle();
    },
  },
  {
    rule: 'queue 21: a running entry that was cancelled does not run again, whatever its outcome',
    async check(rig) {
      rig.start();
      await rig.add('a');
      const run = await rig.run(0);
      await rig.queue.cancel('a');
      run.end({ type: 'again', delayMs: 0 });
      await rig.idle();
      await rig.time.settle();
      deepEqual(rig.ids, ['a']);
    },
  },
  {
    rule: 'queue 22: cancel leaves all other entries alone',
    async check(rig) {
      rig.start(2);
      await rig.add('a', 'b', 'c');
      const [first, second] = [await rig.run(0), await rig.run(1)];
      await rig.queue.cancel(first.entry.id);
      await rig.time.settle();
      equal(second.signal.aborted, false);
      await rig.drain(3);
      deepEqual(rig.ids.sort(), ['a', 'b', 'c']);
    },
  },
  {
    rule: 'queue 23: an id that was cancelled while it waited can be added again',
    async check(rig) {
      await rig.add('a', 'b');
      await rig.queue.cancel('a');
      await rig.add('a');
      rig.start();
      await rig.drain(2);
      await rig.time.settle();
      deepEqual(rig.ids.sort(), ['a', 'b']);
    },
  },
  {
    rule: 'queue 42: an entry that was cancelled while it waited to run again does not',
    async check(rig) {
      rig.start();
      await rig.add('a');
      (await rig.run(0)).end({ type: 'again', delayMs: 500 });
      await rig.depth({ waiting: 0, delayed: 1, active: 0 });
      equal(await rig.queue.cancel('a'), true);
      await rig.time.pass(600);
      await rig.idle();
      deepEqual(rig.ids, ['a']);
    },
  },
  {
    rule: 'queue 43: a running entry that was cancelled keeps its place until its handler ends',
    async check(rig) {
      rig.start();
      await rig.add('a', 'b');
      const run = await rig.run(0);
      equal(await rig.queue.cancel('a'), true);
      await rig.time.settle();
      deepEqual(rig.ids, ['a']);
      run.end();
      await rig.drain(2);
    },
  },
];
