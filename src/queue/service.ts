import type { CallbackRequest, CallbackResult } from '../contracts/callback.js';
import type { Job, JobListQuery, JobStatus } from '../contracts/job.js';
import type { QueueAdapter, QueueDepth, QueueWorker } from '../contracts/queue.js';
import type { Page } from '../contracts/storage.js';
import type { Webhooks } from '../contracts/webhook.js';
import { closeTimeoutMs } from '../internal/check-arguments.js';
import { checkListQuery } from '../internal/check-list-query.js';
import { within } from '../internal/within.js';
import { assertAtomic } from '../records/atomic.js';
import { AudioShelf } from './audio-shelf.js';
import { handleCallback } from './callback.js';
import { cancelJob, type FailedQuery, removeJob, retryFailedJobs, retryJob } from './change.js';
import type { JobContext, JobDeps } from './context.js';
import { checkSharing, checkWorkerOptions } from './early-checks.js';
import { type EnqueueItem, enqueueAll } from './enqueue.js';
import { closedError, secondWorkerError, workerNotStarted } from './errors.js';
import { JobFeed } from './feed.js';
import { storeHeldEnd } from './finish.js';
import { addJobs } from './hand-over.js';
import { createJob } from './job.js';
import { JobStore } from './job-store.js';
import { createJobReconciler } from './lost-jobs.js';
import { checkJobListQuery } from './options.js';
import { Outbox } from './outbox.js';
import { OutboxRelay } from './outbox-relay.js';
import { TotalTimes } from './total-time.js';
import { UserPlaces } from './user-places.js';
import { JobWebhooks } from './webhooks.js';
import { reportWorkerError, runEntry } from './worker.js';

/** The queued pattern: jobs that workers transcribe in their own time. */
export interface JobService {
  /**
   * Takes all of the items or none. Resolves when the storage has the jobs.
   *
   * A `signal` of the options ends this call, and does nothing once the storage has the jobs.
   */
  enqueueMany(items: readonly EnqueueItem[]): Promise<readonly Job[]>;
  get(id: string): Promise<Job | undefined>;
  /** Newest first. */
  list(query?: JobListQuery): Promise<Page<JobStatus>>;
  /** False where there is no such job, or where it has ended already. */
  cancel(id: string): Promise<boolean>;
  /** Begins a failed or cancelled job anew, with all of its attempts. */
  retry(id: string): Promise<Job>;
  /** Begins all failed jobs anew that fit. Resolves to how many there were. */
  retryFailed(query?: FailedQuery): Promise<number>;
  /** Removes the record of a job that has ended; its transcript stays. False where there is no such job. */
  remove(id: string): Promise<boolean>;
  /** Takes the result of a job with `delivery: 'callback'`. Rejects where the storage does. */
  handleCallback(request: CallbackRequest): Promise<CallbackResult>;
  /** One worker at a time in a process: throws a QueueError while another one is not yet closed. */
  startWorker(options?: { readonly concurrency?: number }): QueueWorker;
  depth(): Promise<QueueDepth>;
  /** The messages about the end of jobs. */
  readonly webhooks: Webhooks;
  /**
   * Waits up to `timeoutMs` for active jobs, then aborts them: they are queued again in their records. Waits as
   * long for jobs on their way into the queue. Ends the queue. From the call on, every other method of the service
   * and of its jobs rejects with an AbortedError `client_closed`; pending `result()` and `events()` calls end with
   * it when the close is done.
   */
  close(options: { readonly timeoutMs: number }): Promise<void>;
}

export function createJobs(deps: JobDeps): JobService {
  checkSharing(deps.queue, deps.storage.capabilities);
  const store = new JobStore(deps.storage);
  const { clock, queue } = deps;
  const webhooks = new JobWebhooks(deps);
  const left = new Set<Promise<void>>();
  const context = {
    ...deps,
    store,
    feed: new JobFeed({ ...deps, store }),
    audio: new AudioShelf(deps),
    outbox: new Outbox(store, clock, (records) => addJobs(records, { queue, clock })),
    background(work: Promise<void>) {
      left.add(work);
      void work.finally(() => left.delete(work));
    },
    held: new Map(),
    webhooks,
    userPlaces: new UserPlaces(store, deps.settings.perUserConcurrency, deps.random),
    totalTimes: new TotalTimes(),
  };
  return new Jobs(context, webhooks, left);
}

function startsByItself({ capabilities }: QueueAdapter): boolean {
  return capabilities.embedded ?? !capabilities.distributed;
}

/** A close does not wait for longer to tell other processes of the last changes. They find them in the storage. */
const LAST_MESSAGE_MS = 50;

class Jobs implements JobService {
  readonly #context: JobContext;
  readonly #webhooks: JobWebhooks;
  /** Calls that are bringing jobs into the queue. */
  readonly #adding = new Set<Promise<unknown>>();
  /** What calls have left behind. */
  readonly #left: ReadonlySet<Promise<void>>;
  /** Aborts calls that the close waits for no longer. */
  readonly #ending = new AbortController();
  #worker: QueueWorker | undefined;
  #autoStart: boolean;
  #closing: Promise<void> | undefined;

  constructor(context: JobContext, webhooks: JobWebhooks, left: ReadonlySet<Promise<void>>) {
    this.#context = context;
    this.#webhooks = webhooks;
    this.#left = left;
    this.#autoStart = context.settings.autoStart ?? startsByItself(context.queue);
  }

  async enqueueMany(items: readonly EnqueueItem[]): Promise<readonly Job[]> {
    this.#assertOpen();
    const ids = await this.#add(enqueueAll(items, this.#context, this.#ending.signal));
    this.#startOnDemand();
    return ids.map((id) => this.#job(id));
  }

  async get(id: string): Promise<Job | undefined> {
    this.#assertOpen();
    const isKnown = this.#context.held.has(id) || (await this.#context.store.get(id)) !== undefined;
    return isKnown ? this.#job(id) : undefined;
  }

  async list(query: JobListQuery = {}): Promise<Page<JobStatus>> {
    this.#assertOpen();
    checkJobListQuery(query);
    return this.#context.store.list(query);
  }

  async cancel(id: string): Promise<boolean> {
    this.#assertOpen();
    return cancelJob(id, this.#context);
  }

  async retry(id: string): Promise<Job> {
    this.#assertOpen();
    await this.#add(retryJob(id, this.#context));
    this.#startOnDemand();
    return this.#job(id);
  }

  async retryFailed(query: FailedQuery = {}): Promise<number> {
    this.#assertOpen();
    checkListQuery('jobs.retryFailed()', query, ['userId', 'createdFrom', 'createdBefore']);
    const count = await this.#add(retryFailedJobs(query, this.#context, this.#ending.signal));
    if (count > 0) this.#startOnDemand();
    return count;
  }

  async remove(id: string): Promise<boolean> {
    this.#assertOpen();
    const isRemoved = await removeJob(id, this.#context);
    if (isRemoved) this.#context.feed.removed(id);
    return isRemoved;
  }

  async handleCallback(request: CallbackRequest): Promise<CallbackResult> {
    this.#assertOpen();
    return this.#add(handleCallback(request, this.#context));
  }

  startWorker(options: { readonly concurrency?: number } = {}): QueueWorker {
    this.#assertOpen();
    const { queue, settings } = this.#context;
    checkWorkerOptions(options);
    assertAtomic(this.#context.storage.capabilities, 'Workers');
    const { concurrency = settings.concurrency } = options;
    if (this.#worker !== undefined) {
      throw secondWorkerError();
    }
    const worker = queue.startWorker((entry, signal) => runEntry(entry, signal, this.#context), {
      concurrency,
      onError: (error) => reportWorkerError(error, this.#context),
    });
    try {
      this.#webhooks.startWorker();
    } catch (error) {
      this.#context.background(worker.close({ timeoutMs: 0 }).catch(() => undefined));
      throw error;
    }
    const helpers = [new OutboxRelay(this.#context), createJobReconciler(this.#context)];
    for (const helper of helpers) helper.start();
    const handle: QueueWorker = {
      close: async (closeOptions) => {
        const timeoutMs = closeTimeoutMs(closeOptions);
        const stopped = Promise.all(helpers.map((helper) => helper.stop()));
        await Promise.all([
          this.#within(stopped, timeoutMs),
          worker.close({ timeoutMs }),
          this.#webhooks.stopWorker({ timeoutMs }),
        ]);
        if (this.#worker === handle) this.#worker = undefined;
      },
    };
    this.#worker = handle;
    // From now on the caller decides when workers run.
    this.#autoStart = false;
    return handle;
  }

  get webhooks(): Webhooks {
    this.#assertOpen();
    return this.#webhooks;
  }

  async depth(): Promise<QueueDepth> {
    this.#assertOpen();
    return this.#context.queue.depth();
  }

  close(options: { readonly timeoutMs: number }): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #close(options: { readonly timeoutMs: number }): Promise<void> {
    const { queue, feed, clock, outbox, totalTimes } = this.#context;
    const error = closedError();
    const endsAtMs = clock.monotonicMs() + options.timeoutMs;
    const leftMs = (): number => Math.max(0, endsAtMs - clock.monotonicMs());
    feed.beginClose(error);
    totalTimes.close();
    try {
      const added = this.#added(options.timeoutMs).then(() => this.#ending.abort(error));
      await Promise.all([this.#worker?.close(options), added]);
      await this.#within(this.#storeHeldEnds(), leftMs());
      // While the queue can still take what it could not take before.
      await this.#within(outbox.close(), leftMs());
      await this.#within(feed.flush(), LAST_MESSAGE_MS);
      await Promise.all([queue.close(), this.#within(this.#webhooks.close(), LAST_MESSAGE_MS)]);
      await this.#within(this.#settled(), leftMs());
    } finally {
      feed.endClose(error);
    }
  }

  async #storeHeldEnds(): Promise<void> {
    for (const end of this.#context.held.values()) await storeHeldEnd(end, this.#context);
  }

  async #settled(): Promise<void> {
    const { audio, outbox } = this.#context;
    await Promise.allSettled(this.#adding);
    await Promise.all([...this.#left, outbox.close()]);
    await audio.settled();
  }

  async #add<Value>(adding: Promise<Value>): Promise<Value> {
    this.#adding.add(adding);
    try {
      return await adding;
    } finally {
      this.#adding.delete(adding);
    }
  }

  /** Settles when nothing is on its way into the queue any more, or when the time is up. */
  async #added(timeoutMs: number): Promise<void> {
    if (this.#adding.size > 0) await this.#within(Promise.allSettled(this.#adding), timeoutMs);
  }

  #within(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
    return within(this.#context.clock, promise, timeoutMs);
  }

  #startOnDemand(): void {
    if (!this.#autoStart || this.#closing !== undefined) return;
    try {
      this.startWorker();
    } catch (error) {
      // The job is acknowledged: that its worker did not start must not look as if it were not.
      this.#autoStart = false;
      this.#context.emit(workerNotStarted(error));
    }
  }

  #job(id: string): Job {
    return createJob(id, this.#context, () => this.cancel(id));
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }
}
