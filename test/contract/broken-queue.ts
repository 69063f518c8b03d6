import { createMemoryQueue } from '../../src/adapters/memory/index.js';
import type { Clock } from '../../src/contracts/clock.js';
import type { EntryHandler, QueueAdapter, QueueWorkerOptions } from '../../src/contracts/queue.js';
import type { QueueContractOptions } from '../../src/testing/contract/queue.js';
import { openQueue, QueueBackend } from './queue-backend.js';

const capabilities = { distributed: false, durable: false };
const all = { distributed: true, durable: true };

/** A queue that does what `inner` does but for the changes. */
function changed(inner: QueueAdapter, changes: Partial<QueueAdapter>): QueueAdapter {
  return {
    capabilities: inner.capabilities,
    add: (entries) => inner.add(entries),
    cancel: (id) => inner.cancel(id),
    startWorker: (handler, options) => inner.startWorker(handler, options),
    depth: () => inner.depth(),
    close: () => inner.close(),
    ...(inner.missing && { missing: inner.missing }),
    ...(inner.epoch && { epoch: inner.epoch }),
    ...(inner.channel && { channel: inner.channel }),
    ...(inner.health && { health: inner.health }),
    ...(inner.derive && { derive: inner.derive }),
    ...changes,
  };
}

export function broken(
  change: (inner: QueueAdapter, clock: Clock) => Partial<QueueAdapter>,
): QueueContractOptions {
  return {
    capabilities,
    create(clock) {
      const inner = createMemoryQueue({ clock });
      return changed(inner, change(inner, clock));
    },
  };
}

/** A queue that does something else with what it hands to and gets from the handler. */
export function handling(
  change: (handler: EntryHandler, inner: QueueAdapter, clock: Clock) => EntryHandler,
): QueueContractOptions {
  return broken((inner, clock) => ({
    startWorker: (handler, options) => inner.startWorker(change(handler, inner, clock), options),
  }));
}

/** A queue whose workers close in another way. */
export function closing(
  change: (
    close: (timeoutMs: number | undefined) => Promise<void>,
    inner: QueueAdapter,
    options: QueueWorkerOptions,
  ) => (timeoutMs: number | undefined) => Promise<void>,
): QueueContractOptions {
  return broken((inner) => ({
    startWorker(handler, options) {
      const worker = inner.startWorker(handler, options);
      const close = change(
        (timeoutMs) => worker.close(timeoutMs === undefined ? undefined : { timeoutMs }),
        inner,
        options,
      );
      return { close: async (closeOptions) => close(closeOptions?.timeoutMs) };
    },
  }));
}

/** Adapters on one queue, as processes have them. */
export function shared(
  change: (inner: QueueAdapter, backend: QueueBackend) => Partial<QueueAdapter> = () => ({}),
): QueueContractOptions {
  const backends = new WeakMap<QueueAdapter, QueueBackend>();
  const open = (backend: QueueBackend): QueueAdapter => {
    const inner = openQueue(backend);
    const adapter = changed(inner, { capabilities: all, ...change(inner, backend) });
    backends.set(adapter, backend);
    return adapter;
  };
  return {
    capabilities: all,
    create: (clock) => open(new QueueBackend(clock)),
    reopen: (first, clock) => open(backends.get(first) ?? new QueueBackend(clock)),
  };
}

export function codeOf(signal: AbortSignal): unknown {
  return (signal.reason as { code?: unknown } | undefined)?.code;
}

/** A signal that aborts with another reason where `isOther` says so. */
export function signalWith(signal: AbortSignal, isOther: (code: unknown) => boolean): AbortSignal {
  const other = new AbortController();
  signal.addEventListener('abort', () =>
    other.abort(isOther(codeOf(signal)) ? new Error('Stopped.') : signal.reason),
  );
  return other.signal;
}
