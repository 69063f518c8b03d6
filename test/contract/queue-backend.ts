import type { Clock } from '../../src/contracts/clock.js';
import type {
  EntryHandler,
  EntryOutcome,
  QueueAdapter,
  QueueDepth,
  QueueEntry,
  QueueListener,
  QueueWorkerOptions,
} from '../../src/contracts/queue.js';
import { AbortedError, QueueError } from '../../src/errors/index.js';
import { closeTimeoutMs } from '../../src/internal/check-arguments.js';

const GRACE_MS = 400;

export interface QueueItem {
  readonly entry: QueueEntry;
  dueAt: number;
  order: number;
  turn: number;
  /** Set while it runs. */
  controller?: AbortController | undefined;
  isCancelled: boolean;
}

/** What the adapters of one queue share: it takes the place of a server. */
export class QueueBackend {
  readonly clock: Clock;
  readonly items = new Map<string, QueueItem>();
  readonly workers = new Set<Worker>();
  readonly listeners = new Set<QueueListener>();
  readonly #derived = new Map<string, QueueBackend>();
  #order = 0;
  /** Of the entry that started last, and of the last one of each group. */
  #turn = 0;
  readonly #turns = new Map<string, number>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(entry: QueueEntry): void {
    if (this.items.has(entry.id)) return;
    const item = { entry, dueAt: 0, order: 0, turn: 0, isCancelled: false };
    this.items.set(entry.id, item);
    this.schedule(item, entry.delayMs);
  }

  schedule(item: QueueItem, delayMs: number): void {
    this.#order += 1;
    item.order = this.#order;
    item.turn = this.#turnOf(item.entry.group);
    item.dueAt = this.clock.monotonicMs() + delayMs;
    if (delayMs > 0) this.clock.setTimer(() => this.wake(), delayMs);
    else this.wake();
  }

  wake(): void {
    for (const worker of this.workers) worker.take();
  }

  isDue(item: QueueItem): boolean {
    return item.controller === undefined && item.dueAt <= this.clock.monotonicMs();
  }

  next(): QueueItem | undefined {
    const due = [...this.items.values()].filter((item) => this.isDue(item));
    due.sort((a, b) => a.entry.priority - b.entry.priority || a.turn - b.turn || a.order - b.order);
    const [first] = due;
    this.#turn = Math.max(this.#turn, first?.turn ?? 0);
    return first;
  }

  derived(name: string): QueueBackend {
    const backend = this.#derived.get(name) ?? new QueueBackend(this.clock);
    this.#derived.set(name, backend);
    return backend;
  }

  /** Groups take turns strictly. Without a group: before all of them. */
  #turnOf(group: string | undefined): number {
    if (group === undefined) return 0;
    const turn = Math.max(this.#turn, this.#turns.get(group) ?? 0) + 1;
    this.#turns.set(group, turn);
    return turn;
  }

  cancel(id: string): boolean {
    const item = this.items.get(id);
    if (item === undefined || item.isCancelled) return false;
    item.isCancelled = true;
    if (item.controller === undefined) this.items.delete(id);
    else item.controller.abort(new AbortedError('Cancelled.', { code: 'job_cancelled' }));
    return true;
  }

  depth(): QueueDepth {
    const depth = { waiting: 0, delayed: 0, active: 0 };
    for (const item of this.items.values()) {
      if (item.controller !== undefined) depth.active += 1;
      else depth[this.isDue(item) ? 'waiting' : 'delayed'] += 1;
    }
    return depth;
  }
}

class Worker {
  readonly #backend: QueueBackend;
  readonly #handler: EntryHandler;
  readonly #options: QueueWorkerOptions;
  readonly #running = new Map<QueueItem, Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(backend: QueueBackend, handler: EntryHandler, options: QueueWorkerOptions) {
    this.#backend = backend;
    this.#handler = handler;
    this.#options = options;
    backend.workers.add(this);
    setImmediate(() => this.take());
  }

  take(): void {
    while (this.#closing === undefined && this.#running.size < this.#options.concurrency) {
      const item = this.#backend.next();
      if (item === undefined) return;
      const controller = new AbortController();
      item.controller = controller;
      this.#running.set(item, this.#run(item, controller.signal));
    }
  }

  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #run(item: QueueItem, signal: AbortSignal): Promise<void> {
    const outcome = await this.#outcome(item.entry, signal);
    item.controller = undefined;
    this.#running.delete(item);
    if (outcome.type === 'again' && !item.isCancelled) this.#backend.schedule(item, outcome.delayMs);
    else this.#backend.items.delete(item.entry.id);
    this.#backend.wake();
  }

  async #outcome(entry: QueueEntry, signal: AbortSignal): Promise<EntryOutcome> {
    try {
      return await this.#handler(entry, signal);
    } catch (error) {
      this.#options.onError(error);
      return { type: 'done' };
    }
  }

  async #close(timeoutMs: number): Promise<void> {
    const ended = Promise.all(this.#running.values());
    if (timeoutMs > 0) await this.#within(timeoutMs, ended);
    const reason = new AbortedError('Closed.', { code: 'client_closed' });
    for (const { controller } of this.#running.keys()) controller?.abort(reason);
    await this.#within(GRACE_MS, ended);
    this.#backend.workers.delete(this);
  }

  #within(ms: number, ended: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#backend.clock.setTimer(resolve, ms);
      void ended.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}

/** One process's way to a queue that others use as well, and that outlives it. */
export function openQueue(backend: QueueBackend): QueueAdapter {
  let worker: Worker | undefined;
  let isClosed = false;
  return {
    capabilities: { distributed: true, durable: true },
    async add(entries) {
      if (isClosed) throw new QueueError('Closed.', { code: 'queue_failed' });
      for (const entry of entries) backend.add(entry);
    },
    cancel: async (id) => backend.cancel(id),
    depth: async () => backend.depth(),
    startWorker(handler, options) {
      if (worker !== undefined) throw new QueueError('A worker runs.', { code: 'queue_failed' });
      const started = new Worker(backend, handler, options);
      worker = started;
      return {
        async close(closeOptions) {
          await started.close(closeTimeoutMs(closeOptions));
          if (worker === started) worker = undefined;
        },
      };
    },
    async close() {
      isClosed = true;
      await worker?.close(0);
    },
    missing: async (ids) => ids.filter((id) => !backend.items.has(id)),
    epoch: async () => 'first',
    channel: {
      async publish(text) {
        for (const listener of backend.listeners) listener.message(text);
      },
      async subscribe(listener) {
        const own = { ...listener };
        backend.listeners.add(own);
        return () => backend.listeners.delete(own);
      },
    },
    async health() {
      if (isClosed) throw new QueueError('Closed.', { code: 'queue_failed' });
      return [];
    },
    derive: (name) => openQueue(backend.derived(name)),
  };
}
