import type { QueueEntry } from '../../src/contracts/queue.js';
import type { QueueContractOptions } from '../../src/testing/contract/queue.js';
import { broken, handling } from './broken-queue.js';
import type { BrokenAdapter } from './prove-rules.js';

/** Each violates the one rule that it stands under. */
export const brokenQueueDelays: Readonly<Record<string, BrokenAdapter<QueueContractOptions>>> = {
  'queue 6': broken((inner) => ({
    add: (entries) => inner.add(entries.map((entry) => ({ ...entry, delayMs: entry.delayMs * 0.9 }))),
  })),
  'queue 7': broken((inner) => ({
    add(entries) {
      let delayMs = 0;
      return inner.add(
        entries.map((entry) => {
          delayMs = Math.max(delayMs, entry.delayMs);
          return { ...entry, delayMs: entry.delayMs || delayMs };
        }),
      );
    },
  })),
  'queue 12': handling((handler) => async (entry, signal) => {
    const outcome = await handler(entry, signal);
    return outcome.type === 'again' ? { ...outcome, delayMs: outcome.delayMs * 0.9 } : outcome;
  }),
  'queue 38': broken((inner, clock) => {
    const dueAt = new Map<string, number>();
    return {
      async add(entries) {
        for (const entry of entries) {
          const at = clock.monotonicMs() + entry.delayMs;
          const isSooner = (dueAt.get(entry.id) ?? 0) > at;
          if (isSooner) await inner.cancel(entry.id);
          if (entry.delayMs > 0 || isSooner) dueAt.set(entry.id, at);
          await inner.add([entry]);
        }
      },
    };
  }),
  'queue 39': broken((inner) => {
    let longestMs = 0;
    return {
      add: (entries) =>
        inner.add(
          entries.map((entry) => {
            // A list that only its first entry leaves.
            if (entry.delayMs > 0 && entry.delayMs < 1000) longestMs = Math.max(longestMs, entry.delayMs);
            return { ...entry, delayMs: entry.delayMs > 0 ? Math.max(entry.delayMs, longestMs) : 0 };
          }),
        ),
    };
  }),
  'queue 40': broken((inner) => {
    const priorities = new Map<string, number>();
    return {
      add(entries) {
        for (const { id, priority } of entries) priorities.set(id, priority);
        return inner.add(
          entries.map((entry) => ({ ...entry, priority: entry.delayMs > 0 ? 1000 : entry.priority })),
        );
      },
      startWorker: (handler, options) =>
        inner.startWorker(
          (entry, signal) => handler({ ...entry, priority: priorities.get(entry.id) ?? 0 }, signal),
          options,
        ),
    };
  }),
  'queue 41': broken((inner) => {
    const originals = new Map<string, QueueEntry>();
    return {
      startWorker: (handler, options) =>
        inner.startWorker(async (entry, signal) => {
          const original = originals.get(entry.id) ?? entry;
          const outcome = await handler(original, signal);
          const isKept = outcome.type === 'again' && outcome.delayMs === 0 && !signal.aborted;
          if (!isKept || original.priority === 0) return outcome;
          originals.set(entry.id, original);
          // To the end of the line.
          setImmediate(() => void inner.add([{ ...entry, priority: 1000 }]));
          return { type: 'done' };
        }, options),
    };
  }),
};
