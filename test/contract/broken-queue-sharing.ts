import type { EntryHandler, QueueAdapter } from '../../src/contracts/queue.js';
import type { QueueContractOptions } from '../../src/testing/contract/queue.js';
import { shared } from './broken-queue.js';
import type { BrokenAdapter } from './prove-rules.js';
import type { QueueBackend } from './queue-backend.js';

/** Each violates the one rule that it stands under. What they violate holds between adapters of one queue. */
export const brokenSharedQueues: Readonly<Record<string, BrokenAdapter<QueueContractOptions>>> = {
  'queue 34': shared((inner, backend) => ({
    close() {
      for (const item of backend.items.values()) {
        if (backend.isDue(item) && item.entry.priority === 0) backend.items.delete(item.entry.id);
      }
      return inner.close();
    },
  })),
  // Knows only the entries that were added here. It states less: what a close leaves, the next one adds.
  'queue 35': notDurable(
    shared((inner, backend) => {
      const own = new Set<string>();
      return {
        add(entries) {
          for (const { id } of entries) own.add(id);
          return inner.add(entries);
        },
        startWorker: (handler, options) =>
          inner.startWorker(async (entry, signal) => {
            if (own.has(entry.id) || backend.workers.size > 1) return handler(entry, signal);
            return { type: 'again', delayMs: 1000 };
          }, options),
      };
    }),
  ),
  // Two workers take one entry at the same moment.
  'queue 36': takingTwice(),
  'queue 37': shared((inner, backend) => {
    const own = new Set<string>();
    return {
      async cancel(id) {
        const runsElsewhere = backend.items.get(id)?.controller !== undefined && !own.has(id);
        return runsElsewhere || inner.cancel(id);
      },
      startWorker: (handler, options) =>
        inner.startWorker((entry, signal) => {
          own.add(entry.id);
          return handler(entry, signal).finally(() => own.delete(entry.id));
        }, options),
    };
  }),
  'queue 48': shared((inner) => {
    let isClosed = false;
    return {
      startWorker: (handler, options) =>
        inner.startWorker(async (entry, signal) => {
          const outcome = await handler(entry, signal);
          return isClosed ? { type: 'done' } : outcome;
        }, options),
      close() {
        isClosed = true;
        return inner.close();
      },
    };
  }),
  'queue 49': shared((inner, backend) => ({
    close() {
      for (const item of backend.items.values()) item.dueAt = 0;
      return inner.close();
    },
  })),
};

function notDurable(options: QueueContractOptions): QueueContractOptions {
  const capabilities = { distributed: true, durable: false };
  const stating = (adapter: QueueAdapter): QueueAdapter => Object.assign(adapter, { capabilities });
  return {
    ...options,
    capabilities,
    create: async (clock) => stating(await options.create(clock)),
    reopen: async (first, clock) => stating((await options.reopen?.(first, clock)) ?? first),
  };
}

function takingTwice(): QueueContractOptions {
  const handlers = new WeakMap<QueueBackend, EntryHandler[]>();
  return shared((inner, backend) => ({
    startWorker(handler, options) {
      const all = handlers.get(backend) ?? [];
      handlers.set(backend, [...all, handler]);
      return inner.startWorker((entry, signal) => {
        const [first, second] = handlers.get(backend) ?? [];
        if (entry.id === 'e7' && backend.workers.size > 1) void second?.(entry, signal);
        return (first ?? handler)(entry, signal);
      }, options);
    },
  }));
}
