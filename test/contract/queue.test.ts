import { describe, expect, it } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/index.js';
import type { Clock } from '../../src/contracts/clock.js';
import type { EntryHandler, QueueAdapter, QueueWorkerOptions } from '../../src/contracts/queue.js';
import { testQueueContract } from '../../src/testing/contract/queue.js';
import { numberOf, outcomeOf } from './failed-rules.js';

const capabilities = { distributed: false, durable: false };

function view(inner: QueueAdapter, changes: Partial<QueueAdapter> = {}): QueueAdapter {
  return {
    capabilities: inner.capabilities,
    add: (entries) => inner.add(entries),
    cancel: (id) => inner.cancel(id),
    startWorker: (handler, options) => inner.startWorker(handler, options),
    depth: () => inner.depth(),
    close: () => inner.close(),
    ...changes,
  };
}

function broken(changes: (inner: QueueAdapter) => Partial<QueueAdapter>) {
  return (clock: Clock): QueueAdapter => {
    const inner = createMemoryQueue({ clock });
    return view(inner, changes(inner));
  };
}

/** A queue that does something else with what it hands to and gets from the handler. */
function handling(
  change: (handler: EntryHandler, inner: QueueAdapter, options: QueueWorkerOptions) => EntryHandler,
) {
  return broken((inner) => ({
    startWorker: (handler, options) => inner.startWorker(change(handler, inner, options), options),
  }));
}

function codeOf(signal: AbortSignal): unknown {
  return (signal.reason as { code?: unknown } | undefined)?.code;
}

/** Each violates the one rule that it stands under. */
const brokenQueues: Readonly<Record<string, (clock: Clock) => QueueAdapter>> = {
  'queue 1': broken(() => ({ capabilities: { distributed: false, durable: true } })),
  'queue 3': handling((handler) => (entry, signal) => handler({ ...entry, priority: 0 }, signal)),
  'queue 4': broken((inner) => {
    const priorities = new Map<string, number>();
    return {
      add(entries) {
        for (const { id, priority } of entries) priorities.set(id, priority);
        return inner.add(entries.map((entry) => ({ ...entry, priority: 0 })));
      },
      startWorker: (handler, options) =>
        inner.startWorker(
          (entry, signal) => handler({ ...entry, priority: priorities.get(entry.id) ?? 0 }, signal),
          options,
        ),
    };
  }),
  'queue 5': broken((inner) => ({
    add: async (entries) => inner.add((await inner.depth()).active > 0 ? [...entries].reverse() : entries),
  })),
  'queue 6': broken((inner) => ({
    add: (entries) => inner.add(entries.map((entry) => ({ ...entry, delayMs: entry.delayMs / 2 }))),
  })),
  'queue 8': broken((inner) => ({
    startWorker: (handler, options) =>
      inner.startWorker(handler, {
        ...options,
        concurrency: options.concurrency === 3 ? 4 : options.concurrency,
      }),
  })),
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
  'queue 12': handling((handler) => async (entry, signal) => {
    const outcome = await handler(entry, signal);
    return outcome.type === 'again' ? { ...outcome, delayMs: 0 } : outcome;
  }),
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
  'queue 17': broken((inner) => ({
    cancel: async (id) => {
      await inner.cancel(id);
      return true;
    },
  })),
  'queue 20': handling((handler) => (entry, signal) => {
    const other = new AbortController();
    signal.addEventListener('abort', () => {
      other.abort(codeOf(signal) === 'job_cancelled' ? new Error('cancelled') : signal.reason);
    });
    return handler(entry, other.signal);
  }),
  'queue 21': handling((handler, inner) => async (entry, signal) => {
    const outcome = await handler(entry, signal);
    if (outcome.type === 'again' && codeOf(signal) === 'job_cancelled') {
      setImmediate(() => void inner.add([entry]));
    }
    return outcome;
  }),
  'queue 24': broken((inner) => {
    let started = false;
    return {
      startWorker(handler, options) {
        if (started) return { close: async () => undefined };
        const worker = inner.startWorker(handler, options);
        started = true;
        return {
          async close(closing) {
            await worker.close(closing);
            started = false;
          },
        };
      },
    };
  }),
  'queue 25': broken((inner) => ({
    startWorker(handler, options) {
      const worker = inner.startWorker(handler, options);
      return {
        close: (closing) => worker.close({ timeoutMs: Math.min(closing?.timeoutMs ?? 250, 250) }),
      };
    },
  })),
  'queue 28': handling((handler) => async (entry, signal) => {
    const outcome = await handler(entry, signal);
    return codeOf(signal) === 'client_closed' ? { type: 'done' } : outcome;
  }),
  'queue 31': broken((inner) => ({
    startWorker(handler, options) {
      const worker = inner.startWorker(handler, options);
      return {
        close: ({ timeoutMs = 10_000 } = {}) => worker.close({ timeoutMs: Math.max(0, timeoutMs || 0) }),
      };
    },
  })),
  'queue 33': broken((inner) => ({ add: (entries) => inner.add(entries).catch(() => undefined) })),
};

describe('the queue contract', () => {
  it.each(Object.entries(brokenQueues))(
    'catches a violation of %s, and nothing else',
    async (rule, create) => {
      const { failed, reasons } = await outcomeOf((runner) =>
        testQueueContract(runner, { capabilities, create }),
      );
      expect(failed.map(numberOf), reasons.join('\n')).toEqual([rule]);
    },
  );

  it('runs the rules between adapters only where they are stated', async () => {
    const inners = new WeakMap<QueueAdapter, QueueAdapter>();
    const all = { distributed: true, durable: true };
    // Two views of one queue: entries outlive a close, but only one of the views may have a worker.
    const open = (inner: QueueAdapter): QueueAdapter => {
      let closed = false;
      let close = async (): Promise<void> => undefined;
      const adapter = view(inner, {
        capabilities: all,
        add: async (entries) => {
          if (closed) throw new Error('closed');
          await inner.add(entries);
        },
        startWorker(handler, options) {
          const worker = inner.startWorker(handler, options);
          close = () => worker.close({ timeoutMs: 0 });
          return worker;
        },
        async close() {
          closed = true;
          await close();
        },
      });
      inners.set(adapter, inner);
      return adapter;
    };
    const { rules, failed, reasons } = await outcomeOf((runner) =>
      testQueueContract(runner, {
        capabilities: all,
        create: (clock) => open(createMemoryQueue({ clock })),
        reopen: (first) => open(inners.get(first) ?? first),
      }),
    );
    expect(rules.map(numberOf)).toEqual(rules.map((_, index) => `queue ${index + 1}`));
    expect(failed.map(numberOf), reasons.join('\n')).toEqual(['queue 36']);
    const fewer = await outcomeOf((runner) =>
      testQueueContract(runner, { capabilities, create: (clock) => createMemoryQueue({ clock }) }),
    );
    expect(fewer.failed).toEqual([]);
    expect(rules.length - fewer.rules.length).toBe(4);
  });
});
