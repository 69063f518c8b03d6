import { deepEqual, equal, ok } from 'node:assert/strict';
import type { EntryHandler } from '../../contracts/queue.js';
import { entry, type QueueClause, type QueueRig } from './queue-rig.js';

/** Entries `a0`, `a1` … of the group `a`. */
function ofGroup(group: string, count: number, first = 0) {
  return Array.from({ length: count }, (_, index) => entry(`${group}${first + index}`, { group }));
}

/** The ids that have run, of those that begin so. */
function idsOf(rig: QueueRig, start: string): string[] {
  return rig.ids.filter((id) => id.startsWith(start));
}

/** Turns of groups. How strictly they alternate is left to the adapter, within bounds. */
export const groupClauses: readonly QueueClause[] = [
  {
    rule: 'queue 50: the handler gets the group of its entry, at each run, and none where it has none',
    async check(rig) {
      await rig.queue.add([entry('a', { priority: 1, group: "odd 'group'/é:1" }), entry('b')]);
      rig.start();
      (await rig.run(0)).end();
      (await rig.run(1)).end({ type: 'again', delayMs: 0 });
      await rig.drain(3);
      deepEqual(
        rig.runs.map((run) => [run.entry.id, run.entry.group]),
        [
          ['b', undefined],
          ['a', "odd 'group'/é:1"],
          ['a', "odd 'group'/é:1"],
        ],
      );
    },
  },
  {
    rule: 'queue 51: entries of one group and priority run in the order of their arrival',
    async check(rig) {
      rig.start();
      await rig.add('first');
      await rig.run(0);
      const [a0, a1, a2, a3] = ofGroup('a', 4);
      const [b0, b1, b2] = ofGroup('b', 3);
      for (const entries of [[a1, b2, a0], [b0], [a3, b1, a2]]) {
        await rig.queue.add(entries.filter((each) => each !== undefined));
      }
      await rig.drain(8);
      deepEqual(idsOf(rig, 'a'), ['a1', 'a0', 'a3', 'a2']);
      deepEqual(idsOf(rig, 'b'), ['b2', 'b0', 'b1']);
    },
  },
  {
    rule: 'queue 52: entries without a group run before those with one, of the same priority',
    async check(rig) {
      await rig.queue.add([...ofGroup('a', 1), entry('n0'), ...ofGroup('b', 1), entry('n1')]);
      rig.start();
      await rig.drain(4);
      deepEqual(rig.ids.slice(0, 2), ['n0', 'n1']);
    },
  },
  {
    rule: 'queue 53: the priority counts more than the group',
    async check(rig) {
      await rig.queue.add([
        entry('p3', { priority: 3 }),
        entry('a2', { priority: 2, group: 'a' }),
        entry('p1', { priority: 1 }),
        entry('b0', { priority: 0, group: 'b' }),
      ]);
      rig.start();
      await rig.drain(4);
      deepEqual(rig.ids, ['b0', 'p1', 'a2', 'p3']);
    },
  },
  {
    rule: 'queue 54: a few entries of a group do not wait for the long row of another one',
    async check(rig) {
      await rig.queue.add(ofGroup('a', 60));
      rig.start();
      for (let index = 0; index < 10; index++) (await rig.run(index)).end();
      await rig.run(10);
      await rig.queue.add(ofGroup('b', 5));
      await rig.drain(65);
      const next = rig.ids.slice(11, 26);
      equal(next.filter((id) => id.startsWith('b')).length, 5, `the next that ran: ${next.join(' ')}`);
    },
  },
  {
    rule: 'queue 55: a group does not wait for ever while another one keeps adding',
    async check(rig) {
      const begun: string[] = [];
      let added = 0;
      const handler: EntryHandler = async ({ id }) => {
        begun.push(id);
        if (added < 130) await rig.queue.add(ofGroup('b', 1, ++added));
        await new Promise((resolve) => setImmediate(resolve));
        return { type: 'done' };
      };
      await rig.queue.add(ofGroup('a', 10));
      rig.start(1, rig.queue, handler);
      // A slow back end may need its time for all of them.
      for (const count of [35, 70, 105, 140]) {
        await rig.time.until(`${count} entries have run`, () => begun.length >= count);
      }
      await rig.idle();
      // A head start of 100, then one of each, and some to spare.
      const last = begun.findLastIndex((id) => id.startsWith('a'));
      ok(last < 128, `the last of the first group ran as number ${last}`);
    },
  },
];
