import { deepEqual, equal, fail, ok, rejects } from 'node:assert/strict';
import type { QueueAdapter } from '../../contracts/queue.js';
import { entry, type QueueClause, type QueueRig } from './queue-rig.js';

/** Those of the ids that the queue says it does not hold, sorted. */
async function missing(rig: QueueRig, ...ids: readonly string[]): Promise<readonly string[]> {
  const found = await (rig.queue.missing?.(ids) ?? fail('a durable queue has missing()'));
  return [...found].sort();
}

/** Works with a derived queue, which has to be closed on its own. */
async function withDerived(
  queue: QueueAdapter,
  name: string,
  work: (derived: QueueAdapter) => Promise<void>,
): Promise<void> {
  const derived = queue.derive?.(name) ?? fail('a durable queue has derive()');
  try {
    await work(derived);
  } finally {
    await derived.close();
  }
}

/** Members that not every queue has. */
export const memberClauses: readonly QueueClause[] = [
  {
    rule: 'queue 56: missing names the ids that are unknown, done or cancelled, and no others',
    needs: ['durable'],
    async check(rig) {
      rig.start();
      await rig.add('done', 'running', 'waiting', 'gone');
      await rig.queue.add([entry('delayed', { delayMs: 60_000 })]);
      (await rig.run(0)).end();
      const run = await rig.run(1);
      equal(await rig.queue.cancel('gone'), true);
      await rig.depth({ waiting: 1, delayed: 1, active: 1 });
      deepEqual(await missing(rig, 'waiting', 'done', 'delayed', '__proto__', 'running', 'gone', 'unknown'), [
        '__proto__',
        'done',
        'gone',
        'unknown',
      ]);
      deepEqual(await missing(rig), []);
      equal(await rig.queue.cancel('delayed'), true);
      run.end();
      await rig.drain(3);
    },
  },
  {
    rule: 'queue 57: a derived queue has entries and a worker of its own',
    needs: ['durable'],
    check: (rig) =>
      withDerived(rig.queue, 'other', async (derived) => {
        await rig.add('a', 'b');
        await derived.add([entry('a'), entry('c')]);
        equal((await derived.depth()).waiting, 2);
        await rig.depth({ waiting: 2, delayed: 0, active: 0 });
        deepEqual(await missing(rig, 'b', 'c'), ['c']);
        rig.start();
        await rig.drain(2);
        deepEqual(rig.ids, ['a', 'b']);
        equal((await derived.depth()).waiting, 2);
        rig.start(1, derived);
        for (const index of [2, 3]) (await rig.run(index)).end();
        deepEqual(rig.ids, ['a', 'b', 'a', 'c']);
        await rig.time.until('the derived queue is empty', async () => {
          const { waiting, delayed, active } = await derived.depth();
          return waiting + delayed + active === 0;
        });
      }),
  },
  {
    rule: 'queue 58: the close of a queue does no harm to what was derived from it, nor the other way round',
    needs: ['durable'],
    async check(rig) {
      await withDerived(rig.queue, 'other-one', (derived) => derived.add([entry('early')]));
      await rig.add('a');
      rig.start();
      await rig.drain(1);
      await withDerived(rig.queue, 'other-two', async (derived) => {
        await derived.add([entry('b')]);
        await rig.subject.end(rig.queue);
        await derived.add([entry('c')]);
        rig.start(1, derived);
        for (const index of [1, 2]) (await rig.run(index)).end();
        deepEqual(rig.ids, ['a', 'b', 'c']);
      });
    },
  },
  {
    rule: 'queue 59: entries of a derived queue are there again after a close, under its name',
    needs: ['durable'],
    async check(rig) {
      await withDerived(rig.queue, 'other-one', (derived) => derived.add([entry('a')]));
      await rig.subject.end(rig.queue);
      const next = await rig.subject.another();
      await withDerived(next, 'other-two', async (derived) => equal((await derived.depth()).waiting, 0));
      await withDerived(next, 'other-one', async (derived) => {
        equal((await derived.depth()).waiting, 1);
        rig.start(1, derived);
        (await rig.run(0)).end();
        deepEqual(rig.ids, ['a']);
      });
    },
  },
  {
    rule: 'queue 60: the group of an entry is there again after a close',
    needs: ['durable'],
    async check(rig) {
      await rig.queue.add([entry('a', { group: 'one', priority: 2 }), entry('b', { priority: 3 })]);
      await rig.subject.end(rig.queue);
      rig.start(1, await rig.subject.another());
      for (const index of [0, 1]) (await rig.run(index)).end();
      deepEqual(
        rig.runs.map((run) => [run.entry.id, run.entry.group]),
        [
          ['a', 'one'],
          ['b', undefined],
        ],
      );
    },
  },
  {
    rule: 'queue 61: health resolves to no problems where there are none, and rejects once the queue is closed',
    async check(rig) {
      const { queue } = rig;
      if (queue.health === undefined) return;
      deepEqual(await queue.health(), []);
      await rig.subject.end(queue);
      await rejects(async () => queue.health?.());
    },
  },
  {
    rule: 'queue 62: epoch is a text, the same at all adapters, and does not change while nothing was lost',
    async check(rig) {
      if (rig.queue.epoch === undefined) return;
      const epoch = await rig.queue.epoch();
      ok(typeof epoch === 'string' && epoch !== '', `epoch is ${typeof epoch}`);
      rig.start();
      await rig.add('a');
      await rig.drain(1);
      equal(await rig.queue.epoch(), epoch);
      equal(await (await rig.subject.another()).epoch?.(), epoch);
    },
  },
];
