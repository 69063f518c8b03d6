import type { EnqueueOptions } from '../contracts/call-options.js';
import type { Job } from '../contracts/job.js';
import type { QueueAdapter, QueueWorker } from '../contracts/queue.js';
import type { StorageCapabilities } from '../contracts/storage.js';
import { raceAbort, throwIfAborted } from '../internal/abort.js';
import { closeTimeoutMs, signalOf } from '../internal/check-arguments.js';
import { Lazy } from '../internal/lazy.js';
import { isPlainObject } from '../internal/validate.js';
import { assertAtomic } from '../records/atomic.js';
import type { JobDeps } from './context.js';
import { checkSharing, checkWorkerOptions } from './early-checks.js';
import type { EnqueueItem } from './enqueue.js';
import { closedError, secondWorkerError, workerNotStarted } from './errors.js';
import type { JobService } from './service.js';

export interface LazyJobDeps<Source> extends Pick<JobDeps, 'emit'> {
  readonly storage: StorageCapabilities;
  /** The adapter that was handed in. */
  readonly queue: QueueAdapter | undefined;
  readonly load: () => Promise<LoadedJobs<Source>>;
}

export interface LoadedJobs<Source> {
  readonly service: JobService;
  /** Sources and options as the service takes them. Throws for those that are none. */
  readonly settle: (items: readonly EnqueueItem<Source>[]) => readonly EnqueueItem[];
}

/**
 * The queued pattern, loaded at its first use: a client without jobs does not pay for them.
 *
 * @throws QueueError where the queue is distributed and the storage is not shared.
 */
export function createLazyJobs<Source>(deps: LazyJobDeps<Source>): LazyJobs<Source> {
  if (deps.queue !== undefined) checkSharing(deps.queue, deps.storage);
  return new LazyJobs(deps);
}

export class LazyJobs<Source> {
  readonly #deps: LazyJobDeps<Source>;
  readonly #loading: Lazy<LoadedJobs<Source>>;
  #loaded: LoadedJobs<Source> | undefined;
  /** Starts the worker that was asked for while there was no service, or hears why there is none. */
  #pendingWorker: { start(service: JobService): void; refuse(error: unknown): void } | undefined;
  #closing: Promise<void> | undefined;

  constructor(deps: LazyJobDeps<Source>) {
    this.#deps = deps;
    this.#loading = new Lazy(() => this.#load());
  }

  /** As JobService has it. */
  async enqueueMany(items: readonly EnqueueItem<Source>[]): Promise<readonly Job[]> {
    // The caller's objects may change while the queue is loading; the jobs do not.
    const kept = this.#loaded === undefined ? items.map(snapshot) : items;
    return this.#call(
      ({ service, settle }) => service.enqueueMany(settle(kept)),
      items.map(({ options }) => signalOf(options)),
    );
  }

  /** Any other call. */
  use<Value>(run: (service: JobService) => Promise<Value>): Promise<Value> {
    return this.#call(({ service }) => run(service));
  }

  startWorker(options: { readonly concurrency?: number } = {}): QueueWorker {
    if (this.#closing !== undefined) throw closedError();
    if (this.#loaded !== undefined) return this.#loaded.service.startWorker(options);
    checkWorkerOptions(options);
    assertAtomic(this.#deps.storage, 'Workers');
    if (this.#pendingWorker !== undefined) throw secondWorkerError();
    return this.#startLater({ ...options });
  }

  close(options: { readonly timeoutMs: number }): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #close(options: { readonly timeoutMs: number }): Promise<void> {
    const loaded = await this.#loading.peek();
    if (loaded === undefined) await this.#deps.queue?.close();
    else await loaded.service.close(options);
  }

  async #load(): Promise<LoadedJobs<Source>> {
    const loaded = await this.#deps.load();
    this.#loaded = loaded;
    // Before any call that waits, so that no job starts a worker of its own first.
    this.#pendingWorker?.start(loaded.service);
    return loaded;
  }

  /** A signal that aborts ends the call while the queue is loading; afterwards that is the call's own matter. */
  async #call<Value>(
    run: (loaded: LoadedJobs<Source>) => Promise<Value>,
    signals: readonly (AbortSignal | undefined)[] = [],
  ): Promise<Value> {
    if (this.#loaded !== undefined) return run(this.#loaded);
    if (this.#closing !== undefined) throw closedError();
    const watched = new Set(signals);
    // Begun at once when the service is there: a close that was asked for later finds the call running.
    let begun = this.#loading.get().then((loaded) => {
      for (const signal of watched) throwIfAborted(signal);
      const result = started(() => run(loaded));
      result.catch(() => undefined);
      return { result };
    });
    for (const signal of watched) begun = raceAbort(begun, signal);
    return (await begun).result;
  }

  /** The handle of a worker that starts when it is loaded. What prevents it is told as a warning. */
  #startLater(options: { readonly concurrency?: number }): QueueWorker {
    const { emit } = this.#deps;
    const worker = new Promise<QueueWorker | undefined>((resolve) => {
      const refuse = (error: unknown): void => {
        this.#pendingWorker = undefined;
        emit(workerNotStarted(error));
        resolve(undefined);
      };
      const start = (service: JobService): void => {
        this.#pendingWorker = undefined;
        try {
          resolve(service.startWorker(options));
        } catch (error) {
          refuse(error);
        }
      };
      this.#pendingWorker = { start, refuse };
    });
    this.#loading.get().catch((error) => this.#pendingWorker?.refuse(error));
    return {
      close: async (closeOptions) => {
        closeTimeoutMs(closeOptions);
        await (await worker)?.close(closeOptions);
      },
    };
  }
}

/** What is thrown at once is a rejection as well. */
async function started<Value>(run: () => Promise<Value>): Promise<Value> {
  return run();
}

function snapshot<Source>({ source, options }: EnqueueItem<Source>): EnqueueItem<Source> {
  return { source, options: copyOf(options, new Map(), 0) as EnqueueOptions };
}

/** Deeper than any data that the checks let pass. */
const MAX_DEPTH = 200;

/** What is no plain data stays as it is: the signal, and what the checks will refuse. `copies` ends circles. */
function copyOf(value: unknown, copies: Map<unknown, unknown>, depth: number): unknown {
  if (depth > MAX_DEPTH || !(Array.isArray(value) || isPlainObject(value))) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  const copy: object = Array.isArray(value) ? [] : {};
  copies.set(value, copy);
  for (const [name, item] of Object.entries(value)) {
    // Defined, not set: a key such as __proto__ is a key like any other.
    Object.defineProperty(copy, name, {
      value: copyOf(item, copies, depth + 1),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return copy;
}
