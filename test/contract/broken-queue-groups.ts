import type { QueueEntry } from '../../src/contracts/queue.js';
import type { QueueContractOptions } from '../../src/testing/contract/queue.js';
import { broken, handling } from './broken-queue.js';
import type { BrokenAdapter } from './prove-rules.js';

/** A queue that knows no groups and orders all entries by a number of its own. */
function orderedBy(newOrder: () => (entry: QueueEntry) => number): QueueContractOptions {
  return broken((inner) => {
    const order = newOrder();
    const originals = new Map<string, QueueEntry>();
    return {
      add(entries) {
        for (const entry of entries) if (!originals.has(entry.id)) originals.set(entry.id, entry);
        return inner.add(
          entries.map((entry) => ({ id: entry.id, delayMs: entry.delayMs, priority: order(entry) })),
        );
      },
      startWorker: (handler, options) =>
        inner.startWorker((entry, signal) => handler(originals.get(entry.id) ?? entry, signal), options),
    };
  });
}

/** Each violates the one rule that it stands under. */
export const brokenQueueGroups: Readonly<Record<string, BrokenAdapter<QueueContractOptions>>> = {
  'queue 50': handling(
    (handler) =>
      ({ group: _group, ...entry }, signal) =>
        handler(entry, signal),
  ),
  'queue 51': broken((inner) => ({
    async add(entries) {
      for (const entry of entries) if (entry.group === undefined) await inner.add([entry]);
      await inner.add(entries.filter(({ group }) => group !== undefined).reverse());
    },
  })),
  'queue 52': broken((inner) => {
    const without = new Set<string>();
    return {
      add(entries) {
        for (const { id, group } of entries) if (group === undefined) without.add(id);
        return inner.add(entries.map((entry) => ({ group: 'none', ...entry })));
      },
      startWorker: (handler, options) =>
        inner.startWorker(({ group, ...entry }, signal) => {
          const isOurs = group === undefined || without.has(entry.id);
          return handler(isOurs ? entry : { ...entry, group }, signal);
        }, options),
    };
  }),
  // The groups stand in one line for all priorities.
  'queue 53': broken((inner) => {
    const priorities = new Map<string, number>();
    return {
      add(entries) {
        for (const { id, priority } of entries) priorities.set(id, priority);
        return inner.add(
          entries.map((entry) => (entry.group === undefined ? entry : { ...entry, priority: 1 })),
        );
      },
      startWorker: (handler, options) =>
        inner.startWorker(
          (entry, signal) => handler({ ...entry, priority: priorities.get(entry.id) ?? 0 }, signal),
          options,
        ),
    };
  }),
  // In the order of their arrival.
  'queue 54': orderedBy(
    () =>
      ({ priority, group }) =>
        priority * 2 + (group === undefined ? 0 : 1),
  ),
  // The group that came last runs first.
  'queue 55': orderedBy(() => {
    const groups: string[] = [];
    return ({ priority, group }) => {
      if (group === undefined) return priority * 1000;
      if (!groups.includes(group)) groups.push(group);
      return priority * 1000 + 500 - groups.indexOf(group);
    };
  }),
};
