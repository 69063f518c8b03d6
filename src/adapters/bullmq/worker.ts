import type { EntryHandler, EntryOutcome, QueueWorkerOptions } from '../../contracts/queue.js';
import { AbortedError } from '../../errors/index.js';
import { sleep } from '../../internal/sleep.js';
import { CancelListener } from './cancels.js';
import type { Consumer, Consumers, Engine, Fetched, FetchedJob } from './engine.js';
import { foreignJob, isRefusal, isStale, toQueueError } from './errors.js';
import { Leases } from './leases.js';
import type { QueueTimes } from './options.js';
import { Places } from './places.js';
import { DONE, Run } from './run.js';
import { settlesWithin } from './settles-within.js';

/** How long aborted handlers get to put their affairs in order before a close stops waiting for them. */
const ABORT_GRACE_MS = 400;
/** Between two attempts to reach a back end that fails. */
const RETRY_MS = 100;

/** A shard, and what this worker holds of it. */
interface Served {
  readonly consumer: Consumer;
  readonly leases: Leases;
}

interface Taken {
  readonly job: FetchedJob;
  readonly token: string;
  readonly leasedAtMs: number;
}

/** Takes entries of all shards, at most so many at a time over all of them, and runs them. */
export class Worker {
  readonly #engine: Engine;
  readonly #handler: EntryHandler;
  readonly #onError: (error: unknown) => void;
  readonly #times: QueueTimes;
  readonly #places: Places;
  readonly #cancels: CancelListener;
  readonly #runs = new Set<Run>();
  readonly #busy = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #forced = new AbortController();
  readonly #id = globalThis.crypto.randomUUID();
  #tokens = 0;
  #isFailing = false;
  #consumers: Consumers | undefined;
  #served: readonly Served[] = [];

  constructor(engine: Engine, handler: EntryHandler, options: QueueWorkerOptions, times: QueueTimes) {
    this.#engine = engine;
    this.#handler = handler;
    this.#onError = options.onError;
    this.#times = times;
    this.#places = new Places(options.concurrency);
    this.#cancels = new CancelListener({
      engine,
      clock: times.clock,
      fetchTimeoutMs: times.commandTimeoutMs,
      runningIds: () => [...this.#runs].map(({ jobId }) => jobId),
      cancel: (jobId) => this.cancel(jobId),
      report: (error) => this.#report(error),
    });
    this.#track(this.#start());
  }

  /** False where it was cancelled before, undefined where it does not run here. */
  cancel(jobId: string): boolean | undefined {
    let wasRunning: boolean | undefined;
    for (const run of this.#runs) {
      // What has lost its lease runs somewhere else by now.
      if (run.jobId !== jobId || run.isEnding || run.isLost) continue;
      wasRunning = !run.isCancelled;
      run.isCancelled = true;
      run.abort(new AbortedError('The job was cancelled.', { code: 'job_cancelled' }));
    }
    return wasRunning;
  }

  /** Never rejects, and takes little longer than its time, whatever the state of the back end. */
  async stop(timeoutMs: number): Promise<void> {
    const { clock } = this.#times;
    this.#stopping.abort();
    this.#places.open();
    this.#consumers?.interrupt();
    const idle = this.#untilIdle();
    if (timeoutMs <= 0 || !(await settlesWithin(clock, idle, timeoutMs))) {
      const reason = new AbortedError('The worker was closed.', { code: 'client_closed' });
      for (const run of this.#runs) run.abort(reason);
      await settlesWithin(clock, idle, ABORT_GRACE_MS);
    }
    this.#forced.abort();
    for (const { leases } of this.#served) leases.stop();
    this.#consumers?.close();
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #start(): Promise<void> {
    while (!this.#isStopping && this.#consumers === undefined) {
      try {
        this.#consumers = await this.#engine.consume();
      } catch (error) {
        await this.#failed(error);
      }
    }
    if (this.#consumers === undefined) return;
    if (this.#isStopping) {
      this.#consumers.close();
      return;
    }
    this.#track(this.#cancels.start(this.#stopping.signal));
    this.#served = this.#consumers.shards.map((consumer) => this.#serve(consumer));
  }

  #serve(consumer: Consumer): Served {
    const { clock, lockDurationMs } = this.#times;
    const leases = new Leases({
      clock,
      durationMs: lockDurationMs,
      renew: (jobIds, tokens) => this.#ask(consumer.renew(jobIds, tokens)),
    });
    const served = { consumer, leases };
    this.#track(this.#fetchAll(served));
    this.#track(this.#sweepAll(consumer));
    return served;
  }

  async #fetchAll(served: Served): Promise<void> {
    while (!this.#isStopping) {
      await this.#places.take();
      const leasedAtMs = this.#times.clock.monotonicMs();
      const token = this.#nextToken();
      const fetched = this.#isStopping ? {} : await this.#fetch(served.consumer, token);
      if (fetched?.job !== undefined) {
        this.#track(this.#runAll(served, { job: fetched.job, token, leasedAtMs }));
        continue;
      }
      this.#places.give();
      if (fetched !== undefined && !this.#isStopping) await this.#wait(served.consumer, fetched);
    }
  }

  /** Undefined where it failed, after a pause. */
  async #fetch(consumer: Consumer, token: string): Promise<Fetched | undefined> {
    try {
      const fetched = await this.#ask(consumer.fetch(token));
      this.#isFailing = false;
      return fetched;
    } catch (error) {
      await this.#failed(error);
      return undefined;
    }
  }

  async #wait(consumer: Consumer, { nextAtMs }: Fetched): Promise<void> {
    try {
      // Delays are due by the clock that BullMQ reads.
      await consumer.wait(nextAtMs === undefined ? Number.POSITIVE_INFINITY : nextAtMs - Date.now());
      if (this.#places.isFull) await consumer.wakeAnother();
    } catch {
      await this.#pause(RETRY_MS);
    }
  }

  /** On one place: an entry that is done brings the next one with it. */
  async #runAll(served: Served, first: Taken): Promise<void> {
    try {
      for (let taken: Taken | undefined = first; taken !== undefined; )
        taken = await this.#runOne(served, taken);
    } finally {
      this.#places.give();
    }
  }

  async #runOne(served: Served, { job, token, leasedAtMs }: Taken): Promise<Taken | undefined> {
    const run = new Run(job, token, leasedAtMs);
    served.leases.hold(run);
    try {
      if (this.#isStopping) return await this.#end(served, run, { type: 'again', delayMs: 0 });
      if (job.data === undefined) this.#report(foreignJob(this.#engine.server));
      if (job.data === undefined || job.data.cancelled) return await this.#end(served, run, DONE);
      this.#runs.add(run);
      this.#cancels.began(run.jobId);
      const outcome = await run.carryOut(job.data, this.#handler, (error) => this.#report(error));
      return await this.#end(served, run, outcome);
    } finally {
      this.#runs.delete(run);
      served.leases.release(run);
    }
  }

  /** Tells the queue what became of an entry. What has lost its lease belongs to somebody else. */
  async #end({ consumer }: Served, run: Run, outcome: EntryOutcome): Promise<Taken | undefined> {
    run.isEnding = true;
    const { job, token } = run;
    if (outcome.type === 'again') {
      await this.#persist(run, () =>
        outcome.delayMs > 0
          ? consumer.delay(job, token, outcome.delayMs)
          : consumer.putBack(job, token, this.#isStopping),
      );
      return undefined;
    }
    let leasedAtMs = 0;
    const next = await this.#persist(run, (isFirst) => {
      leasedAtMs = this.#times.clock.monotonicMs();
      // The place goes to whoever waits for it, so that each shard has its turn. An answer may have been lost, with
      // an entry in it: it is not asked for again.
      const fetchNext =
        isFirst && !this.#isStopping && (this.#served.length === 1 || !this.#places.isAwaited);
      return consumer.complete(job, token, fetchNext);
    });
    return next?.job === undefined ? undefined : { job: next.job, token, leasedAtMs };
  }

  /** Tries until the queue has said yes or no, or the lease is over. */
  async #persist<Value>(run: Run, call: (isFirst: boolean) => Promise<Value>): Promise<Value | undefined> {
    for (let attempt = 0; !run.isLost && !this.#forced.signal.aborted; attempt += 1) {
      try {
        return await this.#ask(call(attempt === 0));
      } catch (error) {
        // It is locked by somebody else, or an attempt whose answer was lost has done it.
        if (isRefusal(error)) return undefined;
        await this.#failed(error, this.#forced.signal);
      }
    }
    return undefined;
  }

  async #sweepAll(consumer: Consumer): Promise<void> {
    while (!this.#isStopping) {
      // The fetches tell when the back end fails.
      await this.#ask(consumer.sweep()).catch(() => undefined);
      await this.#pause(this.#times.stalledIntervalMs);
    }
  }

  async #ask<Value>(call: Promise<Value>): Promise<Value> {
    try {
      return await call;
    } catch (error) {
      if (isStale(error)) this.#consumers?.reconnect();
      throw error;
    }
  }

  /** Reports the first failure of a row of them. */
  async #failed(error: unknown, signal = this.#stopping.signal): Promise<void> {
    if (!this.#isFailing && !signal.aborted) this.#report(toQueueError(error, this.#engine.server));
    this.#isFailing = true;
    await this.#pause(RETRY_MS, signal);
  }

  #report(error: unknown): void {
    try {
      this.#onError(error);
    } catch {
      // What a listener throws is not a matter of the queue.
    }
  }

  async #pause(ms: number, signal = this.#stopping.signal): Promise<void> {
    if (!signal.aborted) await sleep(this.#times.clock, ms, signal).catch(() => undefined);
  }

  #nextToken(): string {
    this.#tokens += 1;
    return `${this.#id}:${this.#tokens}`;
  }

  #track(work: Promise<void>): void {
    // None of them should reject. One that does must not end the process.
    const tracked = work
      .catch((error: unknown) => this.#report(toQueueError(error, this.#engine.server)))
      .finally(() => this.#busy.delete(tracked));
    this.#busy.add(tracked);
  }

  async #untilIdle(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy);
  }
}
