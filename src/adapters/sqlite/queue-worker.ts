import type { Clock, TimerHandle } from '../../contracts/clock.js';
import type { EntryHandler, QueueEntry, QueueWorkerOptions } from '../../contracts/queue.js';
import { AbortedError, QueueError } from '../../errors/index.js';
import { quietly } from '../../internal/quietly.js';
import { toQueueError } from './queue-errors.js';
import { Lease } from './queue-lease.js';
import { LeaseWatch } from './queue-leases.js';
import type { OpenedQueue } from './queue-opened.js';
import { Runs } from './queue-runs.js';

/** How long aborted handlers get to put their affairs in order before a close stops waiting for them. */
const ABORT_GRACE_MS = 400;
/** After a failure of the file. */
const PAUSE_MS = 1000;
/** How often leases of others are looked at before one is over. */
const LOOKS = 3;

export interface WorkerParts {
  readonly open: () => Promise<OpenedQueue>;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly handler: EntryHandler;
  readonly options: QueueWorkerOptions;
  /** It has closed, and nothing that it began runs any more. */
  readonly onEnd: () => void;
}

/**
 * Takes entries from the file and runs them.
 *
 * All that is to be told to the file and asked of it is done in turns: one transaction after the other, however many
 * entries end and begin with it. A power cut may take the last of them along: then their entries run again.
 */
export class FileWorker {
  readonly #parts: WorkerParts;
  readonly #onError: (error: unknown) => void;
  readonly #runs: Runs;
  #lease: Lease | undefined;
  #isWoken = false;
  #isWorking = false;
  #isClosing = false;
  #hasEnded = false;
  #hasFailed = false;
  #closing: Promise<void> | undefined;
  #whenEnded: () => void = () => undefined;
  readonly #ended = new Promise<void>((resolve) => {
    this.#whenEnded = resolve;
  });
  /** For the next delay that is over, or after a failure. */
  #waking: TimerHandle | undefined;
  #looking: TimerHandle | undefined;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    const { handler, options } = parts;
    this.#onError = quietly(options.onError);
    this.#runs = new Runs({ handler, onError: this.#onError, onEnd: () => this.wake() });
  }

  /** There may be something to do. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isWorking || this.#hasEnded) return;
    this.#isWorking = true;
    void this.#work();
  }

  /** Aborts what was cancelled in the file. */
  async heedCancels({ handle, entries }: OpenedQueue): Promise<void> {
    const lease = this.#lease;
    if (lease === undefined || this.#runs.running === 0) return;
    const ids = new Set(await handle.run(() => entries.cancelledOf(lease.id)));
    if (ids.size === 0) return;
    const reason = new AbortedError('The job was cancelled.', { code: 'job_cancelled' });
    this.#runs.abort(reason, (run) => run.lease === lease && ids.has(run.entry.id));
  }

  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  /** Leaves everything as it is. What runs is left to the lease. */
  stop(): void {
    this.#hasEnded = true;
    this.#lease?.stop();
    this.#waking?.cancel();
    this.#looking?.cancel();
    this.#parts.onEnd();
    this.#whenEnded();
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    this.wake();
    if (timeoutMs > 0 && (await this.#endsWithin(timeoutMs))) return;
    this.#runs.abort(new AbortedError('The worker was closed.', { code: 'client_closed' }));
    await this.#endsWithin(ABORT_GRACE_MS);
  }

  #endsWithin(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.setTimer(() => resolve(false), timeoutMs);
      void this.#ended.then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }

  async #work(): Promise<void> {
    try {
      while (this.#isWoken && !this.#hasEnded) {
        // Entries that end at the same time end in one turn.
        await new Promise((resolve) => setImmediate(resolve));
        this.#isWoken = false;
        if (!this.#hasEnded) await this.#turnOrEnd();
      }
      this.#hasFailed = false;
    } catch (error) {
      this.#pause(error);
    }
    this.#isWorking = false;
  }

  async #turnOrEnd(): Promise<void> {
    const isUnused = this.#lease === undefined && this.#runs.isEmpty;
    if (this.#isClosing && isUnused) {
      this.stop();
      return;
    }
    const opened = await this.#parts.open();
    if (this.#hasEnded) return;
    await this.#turn(opened);
    if (this.#isClosing && this.#runs.isEmpty) await this.#leave(opened);
  }

  async #turn(opened: OpenedQueue): Promise<void> {
    const { handle, entries } = opened;
    const lease = this.#lease ?? (await this.#begin(opened));
    const ended = this.#runs.ended;
    const isDue = await handle.run(
      () =>
        ended.length > 0 ||
        entries.nextInMs() === 0 ||
        (this.#free > 0 && entries.turns.next() !== undefined),
    );
    if (isDue) {
      const begun = await handle.transact(
        () => {
          for (const run of ended) entries.settle(run.lease.id, run.entry, run.outcome);
          if (entries.makeReady()) this.#isWoken = true;
          return entries.claim(lease.id, this.#free);
        },
        { mayBeLost: true },
      );
      this.#runs.forget(ended);
      this.#runAll(begun, lease);
    }
    const nextInMs = await handle.run(() => entries.nextInMs());
    this.#waking?.cancel();
    if (nextInMs !== undefined && !this.#isClosing) this.#wakeIn(nextInMs);
  }

  /** How many more may run. */
  get #free(): number {
    return this.#isClosing ? 0 : Math.max(0, this.#parts.options.concurrency - this.#runs.running);
  }

  #runAll(begun: readonly QueueEntry[], lease: Lease): void {
    for (const entry of begun) {
      if (!this.#isClosing && !lease.isOver) this.#runs.begin(entry, lease);
      else this.#runs.putBack(entry, lease);
    }
  }

  async #begin(opened: OpenedQueue): Promise<Lease> {
    const { clock, leaseMs } = this.#parts;
    const lease = new Lease({ ...opened, clock, leaseMs }, () => this.#lose(lease));
    await lease.begin();
    if (this.#hasEnded) lease.stop();
    this.#lease = lease;
    if (this.#looking === undefined) await this.#look(opened, new LeaseWatch(opened.leases));
    return lease;
  }

  #lose(lease: Lease): void {
    this.#lease = undefined;
    const reason = new QueueError(
      'The worker could not renew its lease, so that others may run its entries.',
      {
        code: 'lease_lost',
        retryable: true,
      },
    );
    this.#runs.abort(reason, (run) => run.lease === lease);
    this.wake();
  }

  /** Ends the leases of others that are over, now and later. */
  async #look(opened: OpenedQueue, watch: LeaseWatch): Promise<void> {
    const { handle, entries, leases } = opened;
    const { clock, leaseMs } = this.#parts;
    try {
      const overdue = await handle.run(() => watch.overdue(clock.monotonicMs()));
      await handle.transact(
        () => {
          for (const { id, beats } of overdue) if (leases.end(id, beats)) entries.release(id);
          entries.turns.forget();
        },
        { mayBeLost: true },
      );
      if (overdue.length > 0) this.wake();
    } catch {
      // It is tried again, and what fails for long is told by the turns.
    }
    if (this.#hasEnded) return;
    this.#looking = clock.setTimer(() => void this.#look(opened, watch), leaseMs / LOOKS);
    this.#looking.unref?.();
  }

  async #leave({ handle, leases }: OpenedQueue): Promise<void> {
    const lease = this.#lease;
    try {
      if (lease !== undefined) await handle.transact(() => leases.end(lease.id), { mayBeLost: true });
    } finally {
      this.stop();
    }
  }

  #pause(error: unknown): void {
    if (this.#hasEnded) return;
    if (!this.#hasFailed) this.#onError(toQueueError(error));
    this.#hasFailed = true;
    this.#waking?.cancel();
    this.#wakeIn(PAUSE_MS);
  }

  #wakeIn(delayMs: number): void {
    this.#waking = this.#parts.clock.setTimer(() => this.wake(), delayMs);
  }
}
