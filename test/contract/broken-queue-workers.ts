import type { EntryHandler } from '../../src/contracts/queue.js';
import type { QueueContractOptions } from '../../src/testing/contract/queue.js';
import { broken, closing, codeOf, handling, signalWith } from './broken-queue.js';
import type { BrokenAdapter } from './prove-rules.js';

/** Each violates the one rule that it stands under. */
export const brokenQueueWorkers: Readonly<Record<string, BrokenAdapter<QueueContractOptions>>> = {
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
  'queue 25': closing(
    (close) => (timeoutMs) => close(timeoutMs !== undefined && timeoutMs > 1000 ? 250 : timeoutMs),
  ),
  // What waits goes with the worker.
  'queue 26': broken((inner) => {
    const waiting = new Set<string>();
    return {
      add(entries) {
        for (const { id } of entries) waiting.add(id);
        return inner.add(entries);
      },
      startWorker(handler, options) {
        const worker = inner.startWorker((entry, signal) => {
          waiting.delete(entry.id);
          return handler(entry, signal);
        }, options);
        return {
          async close(closeOptions) {
            const lost = [...waiting];
            await worker.close(closeOptions);
            for (const id of lost) await inner.cancel(id);
          },
        };
      },
    };
  }),
  'queue 27': broken((inner) => {
    let isClosed = false;
    return {
      startWorker: (handler, options) =>
        inner.startWorker(
          (entry, signal) =>
            handler(
              entry,
              signalWith(signal, (code) => code === 'client_closed' && !isClosed),
            ),
          options,
        ),
      close() {
        isClosed = true;
        return inner.close();
      },
    };
  }),
  'queue 28': handling((handler) => async (entry, signal) => {
    const outcome = await handler(entry, signal);
    return codeOf(signal) === 'client_closed' ? { type: 'done' } : outcome;
  }),
  'queue 29': broken((inner) => {
    const running = new Set<Promise<unknown>>();
    return {
      startWorker(handler, options) {
        const worker = inner.startWorker((entry, signal) => {
          const run = handler(entry, signal);
          running.add(run);
          return run.finally(() => running.delete(run));
        }, options);
        return {
          async close(closeOptions) {
            await worker.close(closeOptions);
            await Promise.allSettled(running);
          },
        };
      },
    };
  }),
  'queue 30': closing((close) => {
    let isClosing = false;
    return async (timeoutMs) => {
      if (isClosing) return;
      const closed = close(timeoutMs);
      isClosing = timeoutMs !== undefined && timeoutMs >= 0;
      await closed;
    };
  }),
  'queue 31': closing(
    (close) => (timeoutMs) => close(timeoutMs === undefined ? undefined : Math.max(0, timeoutMs || 0)),
  ),
  'queue 32': broken((inner) => {
    let isClosed = false;
    return {
      startWorker: (handler, options) =>
        inner.startWorker(
          (entry, signal) =>
            handler(
              entry,
              signalWith(signal, () => isClosed),
            ),
          options,
        ),
      close() {
        isClosed = true;
        return inner.close();
      },
    };
  }),
  'queue 33': broken((inner) => ({ add: (entries) => inner.add(entries).catch(() => undefined) })),
  'queue 45': closing((close) => (timeoutMs) => close(timeoutMs ?? 5000)),
  'queue 46': broken((inner, clock) => {
    let isClosed = false;
    let run: EntryHandler | undefined;
    return {
      add(entries) {
        for (const entry of entries) {
          const late = (): unknown => isClosed && run?.(entry, new AbortController().signal);
          if (entry.delayMs > 0) clock.setTimer(late, entry.delayMs);
        }
        return inner.add(entries);
      },
      startWorker(handler, options) {
        run = handler;
        return inner.startWorker(handler, options);
      },
      close() {
        isClosed = true;
        return inner.close();
      },
    };
  }),
  'queue 47': broken((inner) => {
    const running = new Set<Promise<unknown>>();
    return {
      startWorker: (handler, options) =>
        inner.startWorker((entry, signal) => {
          const run = handler(entry, signal);
          running.add(run);
          return run.finally(() => running.delete(run));
        }, options),
      async close() {
        await inner.close();
        await Promise.allSettled(running);
      },
    };
  }),
};
