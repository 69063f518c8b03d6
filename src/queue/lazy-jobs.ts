import type { ResolvedSource } from '../contracts/audio-source.js';
import type { EnqueueOptions } from '../contracts/call-options.js';
import type { Job, JobListQuery, JobStatus } from '../contracts/job.js';
import type { QueueAdapter, QueueDepth, QueueWorker } from '../contracts/queue.js';
import type { Page } from '../contracts/storage.js';
import { raceAbort } from '../internal/abort.js';
import { closeTimeoutMs } from '../internal/check-arguments.js';
import { Lazy } from '../internal/lazy.js';
import type { JobDeps } from './context.js';
import { checkSharing, checkWorkerOptions } from './early-checks.js';
import type { EnqueueItem } from './enqueue.js';
import { closedError, secondWorkerError, workerNotStarted } from './errors.js';
import type { JobService } from './service.js';

export interface LazyJobDeps extends Pick<JobDeps, 'storage' | 'emit'> {
  /** The adapter that was handed in. */
  readonly queue: QueueAdapter | undefined;
  readonly load: () => Promise<JobService>;
}

/**
 * The queued pattern, loaded at its first use: a client without jobs does not pay for them.
 *
 * @throws QueueError where the queue is distributed and the storage is not shared.
 */
export function createLazyJobs(deps: LazyJobDeps): JobService {
  if (deps.queue !== undefined) checkSharing(deps.queue, deps.storage);
  return new LazyJobs(deps);
}

class LazyJobs implements JobService {
  readonly #deps: LazyJobDeps;
  readonly #service: Lazy<JobService>;
  #loaded: JobService | undefined;
  /** Starts the worker that was asked for while there was no service, or hears why there is none. */
  #pendingWorker: { start(service: JobService): void; refuse(error: unknown): void } | undefined;
  #closing: Promise<void> | undefined;

  constructor(deps: LazyJobDeps) {
    this.#deps = deps;
    this.#service = new Lazy(() => this.#load());
  }

  async enqueue(source: ResolvedSource, options: EnqueueOptions = {}): Promise<Job> {
    if (this.#loaded !== undefined) return this.#loaded.enqueue(source, options);
    const item = snapshot({ source, options });
    return (await raceAbort(this.#get(), options.signal)).enqueue(source, item.options);
  }

  async enqueueMany(items: readonly EnqueueItem[]): Promise<readonly Job[]> {
    if (this.#loaded !== undefined) return this.#loaded.enqueueMany(items);
    const snapshots = items.map(snapshot);
    let loading = this.#get();
    for (const signal of new Set(items.map(({ options }) => options.signal))) {
      loading = raceAbort(loading, signal);
    }
    return (await loading).enqueueMany(snapshots);
  }

  async get(id: string): Promise<Job | undefined> {
    return (await this.#get()).get(id);
  }

  async list(query?: JobListQuery): Promise<Page<JobStatus>> {
    return (await this.#get()).list(query);
  }

  async cancel(id: string): Promise<boolean> {
    return (await this.#get()).cancel(id);
  }

  async retry(id: string): Promise<Job> {
    return (await this.#get()).retry(id);
  }

  async remove(id: string): Promise<boolean> {
    return (await this.#get()).remove(id);
  }

  async depth(): Promise<QueueDepth> {
    return (await this.#get()).depth();
  }

  startWorker(options: { readonly concurrency?: number } = {}): QueueWorker {
    if (this.#closing !== undefined) throw closedError();
    if (this.#loaded !== undefined) return this.#loaded.startWorker(options);
    checkWorkerOptions(options);
    if (this.#pendingWorker !== undefined) throw secondWorkerError();
    return this.#startLater({ ...options });
  }

  close(options: { readonly timeoutMs: number }): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #close(options: { readonly timeoutMs: number }): Promise<void> {
    const service = await this.#service.peek();
    if (service === undefined) await this.#deps.queue?.close();
    else await service.close(options);
  }

  async #load(): Promise<JobService> {
    const service = await this.#deps.load();
    this.#loaded = service;
    // Before any call that waits, so that no job starts a worker of its own first.
    this.#pendingWorker?.start(service);
    return service;
  }

  async #get(): Promise<JobService> {
    if (this.#loaded !== undefined) return this.#loaded;
    if (this.#closing !== undefined) throw closedError();
    return this.#service.get();
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
    this.#service.get().catch((error) => this.#pendingWorker?.refuse(error));
    return {
      close: async (closeOptions) => {
        closeTimeoutMs(closeOptions);
        await (await worker)?.close(closeOptions);
      },
    };
  }
}

/** The caller's objects may change while the queue is loading; the job does not. */
function snapshot({ source, options }: EnqueueItem): EnqueueItem {
  const { signal: _signal, ...data } = options;
  const copies = Object.entries(data).map(([name, value]) => [
    name,
    typeof value === 'object' ? structuredClone(value) : value,
  ]);
  return { source, options: { ...options, ...Object.fromEntries(copies) } };
}
