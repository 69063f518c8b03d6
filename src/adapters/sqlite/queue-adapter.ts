import type {
  EntryHandler,
  QueueAdapter,
  QueueCapabilities,
  QueueChannel,
  QueueDepth,
  QueueEntry,
  QueueListener,
  QueueProblem,
  QueueWorker,
  QueueWorkerOptions,
} from '../../contracts/queue.js';
import { QueueError } from '../../errors/index.js';
import { closeTimeoutMs } from '../../internal/check-arguments.js';
import { Lazy } from '../../internal/lazy.js';
import { checkNumber, invalidOption } from '../../internal/validate.js';
import { isFile, type SqlitePlace } from './place.js';
import { queueClosed, toQueueError } from './queue-errors.js';
import { type OpenedQueue, openQueue } from './queue-opened.js';
import { Poller } from './queue-poller.js';
import { FileWorker } from './queue-worker.js';

/** Entries of one transaction: a larger one would hold up the event loop, and other processes. */
const MOST_AT_ONCE = 500;
/** How long `health()` waits for the lock of another process, and for all. */
const HEALTH_BUSY_MS = 1500;
const HEALTH_MS = 2000;

export interface SqliteQueueSettings {
  readonly place: SqlitePlace;
  readonly name: string;
  readonly leaseMs: number;
  readonly pollMs: number;
}

/** One queue of a file. Its failures are QueueErrors. */
export class SqliteQueue implements QueueAdapter {
  readonly capabilities: QueueCapabilities;
  readonly channel: QueueChannel;
  readonly #settings: SqliteQueueSettings;
  readonly #opening: Lazy<OpenedQueue>;
  readonly #poller: Poller;
  /** The one that takes entries, if any. */
  #worker: FileWorker | undefined;
  /** Also those that are closed, while something that they began still runs. */
  readonly #workers = new Set<FileWorker>();
  /** What the file was like when it was looked at last. */
  #version: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: SqliteQueueSettings) {
    this.#settings = settings;
    const { place, name, pollMs } = settings;
    const isShared = isFile(place);
    this.capabilities = { distributed: isShared, durable: isShared, embedded: true };
    this.#opening = new Lazy(() => openQueue(place, name));
    this.#poller = new Poller({
      clock: place.clock,
      pollMs,
      isNeeded: () => isShared && this.#isWaiting && this.#closing === undefined,
      poll: () => this.#poll(),
    });
    this.channel = {
      publish: (text) => this.#publish(text),
      subscribe: (listener) => this.#subscribe(listener),
    };
  }

  add(entries: readonly QueueEntry[]): Promise<void> {
    const all = [...entries];
    return this.#do(async (opened) => {
      for (let first = 0; first < all.length; first += MOST_AT_ONCE) {
        if (first > 0) await new Promise((resolve) => setImmediate(resolve));
        const some = all.slice(first, first + MOST_AT_ONCE);
        await opened.handle.transact(() => opened.entries.add(some));
        this.#wake();
      }
    });
  }

  cancel(id: string): Promise<boolean> {
    return this.#do(async (opened) => {
      const { handle, entries } = opened;
      const found = await handle.transact(() => {
        if (entries.remove(id)) return 'waited';
        return entries.markCancelled(id) ? 'runs' : 'none';
      });
      if (found === 'runs') await Promise.all([...this.#workers].map((worker) => worker.heedCancels(opened)));
      return found !== 'none';
    });
  }

  startWorker(handler: EntryHandler, options: QueueWorkerOptions): QueueWorker {
    if (this.#closing !== undefined) throw queueClosed();
    if (this.#worker !== undefined) {
      throw new QueueError('This queue has a worker already. Close it before you start another one.', {
        code: 'queue_failed',
      });
    }
    checkNumber('concurrency', options.concurrency, { min: 1 });
    const worker = this.#newWorker(handler, options);
    this.#worker = worker;
    this.#workers.add(worker);
    this.#poller.update();
    worker.wake();
    return {
      close: async (closeOptions) => {
        await worker.close(closeTimeoutMs(closeOptions));
        if (this.#worker === worker) this.#worker = undefined;
      },
    };
  }

  depth(): Promise<QueueDepth> {
    return this.#do(({ handle, entries }) => handle.run(() => entries.depth()));
  }

  missing(ids: readonly string[]): Promise<readonly string[]> {
    const all = [...ids];
    return this.#do(async ({ handle, entries }) => {
      const missing: string[] = [];
      for (let first = 0; first < all.length; first += MOST_AT_ONCE) {
        const some = all.slice(first, first + MOST_AT_ONCE);
        missing.push(...(await handle.run(() => entries.missing(some))));
      }
      return missing;
    });
  }

  epoch(): Promise<string> {
    return this.#do(async ({ epoch }) => epoch);
  }

  async health(): Promise<readonly QueueProblem[]> {
    const busyTimeoutMs = Math.min(this.#settings.place.busyTimeoutMs, HEALTH_BUSY_MS);
    const writing = this.#do((opened) => opened.check(busyTimeoutMs));
    await this.#within(HEALTH_MS, writing);
    return [];
  }

  derive(name: string): QueueAdapter {
    if (typeof name !== 'string' || !/^[a-z-]{1,32}$/.test(name)) {
      throw invalidOption('name', '1 to 32 of a to z and -', name);
    }
    // The name of no other queue has a colon.
    return new SqliteQueue({ ...this.#settings, name: `${this.#settings.name}:${name}` });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.close(0)));
    for (const worker of [...this.#workers]) worker.stop();
    this.#poller.update();
    (await this.#opening.peek())?.close();
  }

  #newWorker(handler: EntryHandler, options: QueueWorkerOptions): FileWorker {
    const { place, leaseMs } = this.#settings;
    const worker: FileWorker = new FileWorker({
      open: () => this.#opening.get(),
      clock: place.clock,
      leaseMs,
      handler,
      options,
      onEnd: () => {
        this.#workers.delete(worker);
        this.#poller.update();
      },
    });
    return worker;
  }

  #publish(text: string): Promise<void> {
    return this.#do(async ({ messages }) => {
      await messages.publish(text);
      // What cannot be read now is read with the next message, or with the next look at the file.
      await messages.read().catch(() => undefined);
    });
  }

  #subscribe(listener: QueueListener): Promise<() => void> {
    return this.#do(async ({ messages }) => {
      const end = await messages.subscribe(listener);
      this.#poller.update();
      return () => {
        end();
        this.#poller.update();
      };
    });
  }

  get #isWaiting(): boolean {
    return this.#workers.size > 0 || this.#opening.value?.messages.isHeard === true;
  }

  /** Looks whether another process has changed anything, and what. */
  async #poll(): Promise<void> {
    const opened = this.#opening.value;
    if (opened === undefined) return;
    try {
      const version = await opened.version();
      if (version === this.#version) {
        opened.messages.asked();
        return;
      }
      this.#wake();
      for (const worker of this.#workers) await worker.heedCancels(opened);
      await opened.messages.read();
      this.#version = version;
    } catch {
      // It is looked at again soon. What fails for long is told by the worker.
    }
  }

  #wake(): void {
    for (const worker of this.#workers) worker.wake();
  }

  async #do<Value>(work: (opened: OpenedQueue) => Promise<Value>): Promise<Value> {
    if (this.#closing !== undefined) throw queueClosed();
    try {
      return await work(this.#opening.value ?? (await this.#opening.get()));
    } catch (error) {
      throw toQueueError(error);
    }
  }

  #within<Value>(timeoutMs: number, promise: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      const late = new QueueError(`The SQLite database did not answer within ${timeoutMs} ms. Try again.`, {
        code: 'queue_unavailable',
        retryable: true,
      });
      const timer = this.#settings.place.clock.setTimer(() => reject(late), timeoutMs);
      void promise.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}
