import type { QueueEntry } from '../../src/contracts/queue.js';
import type { QueueContractOptions } from '../../src/testing/contract/queue.js';
import { broken, codeOf, handling, signalWith } from './broken-queue.js';
import type { BrokenAdapter } from './prove-rules.js';

/** Each violates the one rule that it stands under. */
export const brokenQueueCancel: Readonly<Record<string, BrokenAdapter<QueueContractOptions>>> = {
  'queue 17': broken((inner) => ({
    cancel: async (id) => {
      await inner.cancel(id);
      return true;
    },
  })),
  'queue 18': broken((inner) => {
    const urgent = new Set<string>();
    return {
      add(entries) {
        for (const { id, priority } of entries) if (priority === 5) urgent.add(id);
        return inner.add(entries);
      },
      cancel: async (id) => urgent.has(id) || inner.cancel(id),
    };
  }),
  'queue 19': broken((inner, clock) => {
    const delayed = new Map<string, QueueEntry>();
    return {
      add(entries) {
        for (const entry of entries) if (entry.delayMs > 0) delayed.set(entry.id, entry);
        return inner.add(entries);
      },
      async cancel(id) {
        const entry = delayed.get(id);
        const wasThere = await inner.cancel(id);
        if (wasThere && entry !== undefined) {
          clock.setTimer(() => void inner.add([{ ...entry, delayMs: 0 }]), entry.delayMs);
        }
        return wasThere;
      },
    };
  }),
  'queue 20': handling(
    (handler) => (entry, signal) =>
      handler(
        entry,
        signalWith(signal, (code) => code === 'job_cancelled'),
      ),
  ),
  'queue 21': handling((handler, inner) => async (entry, signal) => {
    const outcome = await handler(entry, signal);
    if (outcome.type === 'again' && codeOf(signal) === 'job_cancelled') {
      setImmediate(() => void inner.add([entry]));
    }
    return outcome;
  }),
  'queue 22': broken((inner) => {
    const running = new Set<string>();
    return {
      async cancel(id) {
        if (!running.has(id)) return inner.cancel(id);
        const results = await Promise.all([...running].map((each) => inner.cancel(each)));
        return results.some(Boolean);
      },
      startWorker: (handler, options) =>
        inner.startWorker((entry, signal) => {
          running.add(entry.id);
          return handler(entry, signal).finally(() => running.delete(entry.id));
        }, options),
    };
  }),
  'queue 23': broken((inner) => {
    const cancelled = new Set<string>();
    return {
      add: (entries) => inner.add(entries.filter(({ id }) => !cancelled.has(id))),
      cancel(id) {
        cancelled.add(id);
        return inner.cancel(id);
      },
    };
  }),
  'queue 42': handling((handler, inner, clock) => async (entry, signal) => {
    const outcome = await handler(entry, signal);
    if (outcome.type === 'done' || outcome.delayMs === 0) return outcome;
    // A list of its own, which cancel does not know.
    clock.setTimer(() => void inner.add([entry]), outcome.delayMs);
    return outcome;
  }),
  'queue 43': handling((handler) => (entry, signal) => {
    const run = handler(entry, signal);
    return new Promise((resolve, reject) => {
      run.then(resolve, reject);
      signal.addEventListener('abort', () => {
        if (codeOf(signal) === 'job_cancelled') resolve({ type: 'done' });
      });
    });
  }),
};
