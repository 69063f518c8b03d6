import type { QueueEntry } from '../../src/contracts/queue.js';
import type { QueueContractOptions } from '../../src/testing/contract/queue.js';
import { broken, handling } from './broken-queue.js';
import type { BrokenAdapter } from './prove-rules.js';

/** Each violates the one rule that it stands under. */
export const brokenQueueEntries: Readonly<Record<string, BrokenAdapter<QueueContractOptions>>> = {
  'queue 1': broken(() => ({ capabilities: { distributed: false, durable: true } })),
  'queue 2': broken((inner, clock) => {
    let isStarted = false;
    return {
      add(entries) {
        for (const { id, delayMs } of entries) {
          clock.setTimer(() => void (isStarted || inner.cancel(id)), delayMs > 0 ? delayMs + 1 : 1e9);
        }
        return inner.add(entries);
      },
      startWorker(handler, options) {
        isStarted = true;
        return inner.startWorker(handler, options);
      },
    };
  }),
  'queue 3': handling((handler) => (entry, signal) => handler({ ...entry, priority: 0 }, signal)),
  'queue 4': broken((inner) => {
    const priorities = new Map<string, number>();
    return {
      add(entries) {
        for (const { id, priority } of entries) priorities.set(id, priority);
        // It knows four priorities.
        return inner.add(
          entries.map((entry) => ({ ...entry, priority: entry.priority > 3 ? 0 : entry.priority })),
        );
      },
      startWorker: (handler, options) =>
        inner.startWorker(
          (entry, signal) => handler({ ...entry, priority: priorities.get(entry.id) ?? 0 }, signal),
          options,
        ),
    };
  }),
  'queue 5': broken((inner) => ({
    async add(entries) {
      const isReversed =
        (await inner.depth()).active > 0 && entries.every(({ group }) => group === undefined);
      await inner.add(isReversed ? [...entries].reverse() : entries);
    },
  })),
  'queue 8': broken((inner) => ({
    startWorker: (handler, options) =>
      inner.startWorker(handler, {
        ...options,
        concurrency: options.concurrency === 3 ? 4 : options.concurrency,
      }),
  })),
  'queue 9': broken((inner) => {
    const waiting = new Set<string>();
    const delayed = new Set<string>();
    return {
      async add(entries) {
        for (const entry of entries) {
          if (entry.delayMs > 0) delayed.add(entry.id);
          if (waiting.has(entry.id)) await inner.cancel(entry.id);
          if (!delayed.has(entry.id)) waiting.add(entry.id);
          await inner.add([entry]);
        }
      },
      startWorker: (handler, options) =>
        inner.startWorker((entry, signal) => {
          waiting.delete(entry.id);
          return handler(entry, signal);
        }, options),
    };
  }),
  'queue 10': broken((inner) => {
    const running = new Map<string, QueueEntry[]>();
    return {
      add(entries) {
        for (const entry of entries) running.get(entry.id)?.push(entry);
        return inner.add(entries);
      },
      startWorker: (handler, options) =>
        inner.startWorker(async (entry, signal) => {
          const later: QueueEntry[] = [];
          running.set(entry.id, later);
          const outcome = await handler(entry, signal);
          running.delete(entry.id);
          if (later.length > 0) setImmediate(() => void inner.add(later));
          return outcome;
        }, options),
    };
  }),
  'queue 11': broken((inner) => {
    const done = new Set<string>();
    return {
      add: (entries) => inner.add(entries.filter(({ id }) => !done.has(id))),
      startWorker: (handler, options) =>
        inner.startWorker(async (entry, signal) => {
          const outcome = await handler(entry, signal);
          if (outcome.type === 'done') done.add(entry.id);
          return outcome;
        }, options),
    };
  }),
  // Forgets what is done after five minutes, but not that it was there.
  'queue 13': handling((handler, inner, clock) => async (entry, signal) => {
    const outcome = await handler(entry, signal);
    if (outcome.type === 'done')
      clock.setTimer(() => void inner.add([entry]).catch(() => undefined), 300_000);
    return outcome;
  }),
  'queue 14': broken((inner) => ({
    async depth() {
      const depth = await inner.depth();
      return { ...depth, active: Math.min(1, depth.active) };
    },
  })),
  'queue 15': handling((handler) => async (entry, signal) => {
    try {
      return await handler(entry, signal);
    } catch {
      return { type: 'done' };
    }
  }),
  'queue 16': broken((inner) => {
    let count = 0;
    return {
      add(entries) {
        const kept = entries.filter(() => ++count % 400 !== 0);
        return inner.add(kept);
      },
    };
  }),
  // A lock that nobody renews.
  'queue 44': handling((handler, _inner, clock) => async (entry, signal) => {
    const lock = clock.setTimer(() => void handler(entry, signal), 300_000);
    try {
      return await handler(entry, signal);
    } finally {
      lock.cancel();
    }
  }),
};
