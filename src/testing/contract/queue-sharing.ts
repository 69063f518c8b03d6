import { deepEqual, equal, ok } from 'node:assert/strict';
import { AbortedError } from '../../errors/index.js';
import { entry, type QueueClause } from './queue-rig.js';

/** What holds between adapters of one queue. */
export const sharingClauses: readonly QueueClause[] = [
  {
    rule: 'queue 34: entries are there again after a close',
    needs: ['durable'],
    async check(rig) {
      await rig.add('a', 'b');
      await rig.subject.end(rig.queue);
      const next = await rig.subject.another();
      rig.start(1, next);
      for (const index of [0, 1]) (await rig.run(index)).end();
      deepEqual(rig.ids, ['a', 'b']);
    },
  },
  {
    rule: 'queue 48: an entry that the close of the queue aborted, with the outcome again, runs at the next one',
    needs: ['durable'],
    async check(rig) {
      rig.start();
      await rig.add('a');
      const run = await rig.run(0);
      run.signal.addEventListener('abort', () => run.end({ type: 'again', delayMs: 0 }), { once: true });
      await rig.subject.end(rig.queue);
      rig.start(1, await rig.subject.another());
      (await rig.run(1)).end();
      deepEqual(rig.ids, ['a', 'a']);
    },
  },
  {
    rule: 'queue 49: a delayed entry and its delay are there again after a close',
    needs: ['durable'],
    async check(rig) {
      const addedAt = rig.time.clock.monotonicMs();
      await rig.queue.add([entry('late', { priority: 3, delayMs: 600 })]);
      await rig.subject.end(rig.queue);
      rig.start(1, await rig.subject.another());
      await rig.time.passUntil('the entry runs', 2000, () => rig.runs.length > 0);
      const run = await rig.run(0);
      ok(run.atMs - addedAt >= 598, `ran after ${run.atMs - addedAt} ms`);
      deepEqual({ id: run.entry.id, priority: run.entry.priority }, { id: 'late', priority: 3 });
      run.end();
    },
  },
  {
    rule: 'queue 35: what one adapter adds, the worker of another one runs',
    needs: ['distributed'],
    async check(rig) {
      rig.start(1, await rig.subject.another());
      await rig.add('a');
      await rig.laterRun(0);
      await rig.drain(1);
    },
  },
  {
    rule: 'queue 36: of 100 entries each runs once at the workers of two adapters',
    needs: ['distributed'],
    async check(rig) {
      const ids = Array.from({ length: 100 }, (_, index) => `e${index}`);
      const second = await rig.subject.another();
      rig.start(4);
      rig.start(4, second);
      await rig.queue.add(ids.map((id) => entry(id)));
      await rig.drain(ids.length);
      await rig.time.settle();
      deepEqual(rig.ids.sort(), [...ids].sort());
    },
  },
  {
    rule: 'queue 37: cancel at one adapter aborts what runs at another one',
    needs: ['distributed'],
    async check(rig) {
      const second = await rig.subject.another();
      rig.start();
      await rig.add('a');
      const run = await rig.run(0);
      equal(await second.cancel('a'), true);
      await rig.time.passUntil('the signal is aborted', 500, () => run.signal.aborted);
      const reason: unknown = run.signal.reason;
      equal(reason instanceof AbortedError && reason.code, 'job_cancelled');
      run.end();
      await rig.idle();
    },
  },
];
