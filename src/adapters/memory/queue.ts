import PQueue from 'p-queue';
import type { Clock, TimerHandle } from '../../contracts/clock.js';
import type {
  EntryHandler,
  EntryOutcome,
  QueueAdapter,
  QueueDepth,
  QueueEntry,
  QueueWorker,
  QueueWorkerOptions,
} from '../../contracts/queue.js';
import { AbortedError, QueueError } from '../../errors/index.js';
import { closeTimeoutMs } from '../../internal/check-arguments.js';
import { quietly } from '../../internal/quietly.js';
import { systemClock } from '../../internal/system-clock.js';
import { checkNumber } from '../../internal/validate.js';
import { FairOrder } from '../../resilience/fair-order.js';

/** How long aborted handlers get to put their affairs in order before a close stops waiting for them. */
const ABORT_GRACE_MS = 400;

export interface MemoryQueueOptions {
  /** Default: the machine's own time. */
  clock?: Clock;
}

/** A queue in this process. What waits in it ends with the process. */
export function createMemoryQueue(options: MemoryQueueOptions = {}): QueueAdapter {
  return new MemoryQueue(options.clock ?? systemClock);
}

interface Item {
  readonly entry: QueueEntry;
  phase: 'delayed' | 'waiting' | 'running';
  /** Set while delayed. */
  timer?: TimerHandle | undefined;
  /** Set while running. */
  controller?: AbortController | undefined;
  cancelled: boolean;
}

interface RunningWorker {
  readonly handler: EntryHandler;
  readonly options: QueueWorkerOptions;
}

class MemoryQueue implements QueueAdapter {
  readonly capabilities = { distributed: false, durable: false };
  readonly #clock: Clock;
  readonly #items = new Map<string, Item>();
  /** Those that wait. */
  readonly #order = new FairOrder<Item>(({ entry }) => entry);
  /**
   * Has a task for each item that waits, and for some that were cancelled: each runs what is next by then.
   * Invariant: paused as long as there is no worker. It has no timers of its own.
   */
  readonly #runner = new PQueue({ autoStart: false, concurrency: 1 });
  #worker: RunningWorker | undefined;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async add(entries: readonly QueueEntry[]): Promise<void> {
    this.#assertOpen();
    for (const entry of entries) {
      if (this.#items.has(entry.id)) continue;
      const item: Item = { entry, phase: 'waiting', cancelled: false };
      this.#items.set(entry.id, item);
      this.#schedule(item, entry.delayMs);
    }
  }

  async cancel(id: string): Promise<boolean> {
    const item = this.#items.get(id);
    if (item === undefined || item.cancelled) return false;
    item.cancelled = true;
    item.timer?.cancel();
    if (item.phase === 'waiting') this.#order.delete(item);
    // A running item keeps its place until its handler is done, so that the id cannot run twice at once.
    if (item.controller === undefined) this.#items.delete(id);
    else item.controller.abort(new AbortedError('The job was cancelled.', { code: 'job_cancelled' }));
    return true;
  }

  startWorker(handler: EntryHandler, options: QueueWorkerOptions): QueueWorker {
    this.#assertOpen();
    if (this.#worker !== undefined) {
      throw new QueueError('This queue has a worker already. Close it before you start another one.', {
        code: 'queue_failed',
      });
    }
    checkNumber('concurrency', options.concurrency, { min: 1 });
    const worker: RunningWorker = { handler, options };
    this.#worker = worker;
    this.#runner.concurrency = options.concurrency;
    this.#runner.start();
    let closing: Promise<void> | undefined;
    return {
      close: async (closeOptions) => {
        const timeoutMs = closeTimeoutMs(closeOptions);
        closing ??= this.#stop(worker, timeoutMs);
        await closing;
      },
    };
  }

  async depth(): Promise<QueueDepth> {
    const depth = { waiting: 0, delayed: 0, active: 0 };
    for (const { phase } of this.#items.values()) depth[phase === 'running' ? 'active' : phase] += 1;
    return depth;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const item of this.#items.values()) item.timer?.cancel();
    if (this.#worker !== undefined) await this.#stop(this.#worker, 0);
    this.#runner.clear();
    this.#items.clear();
  }

  #schedule(item: Item, delayMs: number): void {
    if (delayMs <= 0) {
      this.#makeReady(item);
      return;
    }
    item.phase = 'delayed';
    item.timer = this.#clock.setTimer(() => this.#makeReady(item), delayMs);
  }

  #makeReady(item: Item): void {
    item.phase = 'waiting';
    item.timer = undefined;
    this.#order.add(item);
    void this.#runner.add(() => this.#runNext());
  }

  async #runNext(): Promise<void> {
    const item = this.#worker === undefined ? undefined : this.#order.take();
    if (item !== undefined && this.#worker !== undefined) await this.#run(item, this.#worker);
  }

  async #run(item: Item, worker: RunningWorker): Promise<void> {
    const controller = new AbortController();
    item.phase = 'running';
    item.controller = controller;
    const outcome = await runHandler(worker, item.entry, controller.signal);
    item.controller = undefined;
    if (outcome.type === 'again' && !item.cancelled && !this.#closed) this.#schedule(item, outcome.delayMs);
    else this.#items.delete(item.entry.id);
  }

  async #stop(worker: RunningWorker, timeoutMs: number): Promise<void> {
    if (this.#worker !== worker) return;
    this.#runner.pause();
    const drained = this.#runner.onPendingZero();
    if (timeoutMs <= 0 || !(await this.#settlesWithin(drained, timeoutMs))) {
      const reason = new AbortedError('The worker was closed.', { code: 'client_closed' });
      for (const item of this.#items.values()) item.controller?.abort(reason);
      await this.#settlesWithin(drained, ABORT_GRACE_MS);
    }
    if (this.#worker === worker) this.#worker = undefined;
  }

  #settlesWithin(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(() => resolve(false), timeoutMs);
      void promise.then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }

  #assertOpen(): void {
    if (this.#closed) {
      throw new QueueError('The queue has been closed. Use a new client.', { code: 'queue_failed' });
    }
  }
}

async function runHandler(
  worker: RunningWorker,
  entry: QueueEntry,
  signal: AbortSignal,
): Promise<EntryOutcome> {
  try {
    return await worker.handler(entry, signal);
  } catch (error) {
    quietly(worker.options.onError)(error);
    return { type: 'done' };
  }
}
