import type { JobState } from '../contracts/job.js';
import { Periodic } from '../internal/periodic.js';
import type { JobContext } from './context.js';
import { addToQueue } from './enqueue.js';
import { toEntry, toEntryId } from './entry.js';
import { hasEnded, type JobRecord } from './record.js';

const EVERY_MS = 10_000;
/** So that a look costs the same, however many jobs there are. */
const LOOKED_AT_ONCE = 500;
const UNFINISHED: readonly JobState[] = ['queued', 'active'];

/**
 * Gives the queue again what it has lost: the storage knows which jobs have not ended.
 *
 * Each look takes the next page of them. Where the queue says that it may have lost something, a look takes them all.
 * A job that is given to the queue twice does no harm: it knows the id, or the worker finds that the job has ended.
 */
export class Reconciler {
  readonly #context: JobContext;
  readonly #periodic: Periodic;
  readonly #cursors = new Map<JobState, string>();
  #epoch: string | undefined;

  constructor(context: JobContext) {
    this.#context = context;
    this.#periodic = new Periodic(context.clock, EVERY_MS, () => this.#look());
  }

  /** Begins at once. Does nothing for a queue that ends with this process. */
  start(): void {
    if (this.#context.queue.missing !== undefined) this.#periodic.start();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  async #look(): Promise<void> {
    // Asked first: what is lost from here on changes it again.
    const epoch = await this.#context.queue.epoch?.();
    const isWhole = epoch !== this.#epoch;
    for (const state of UNFINISHED) {
      if (isWhole) this.#cursors.delete(state);
      do await this.#lookAtPage(state);
      while (isWhole && this.#cursors.has(state) && !this.#periodic.isStopped);
    }
    this.#epoch = epoch;
  }

  async #lookAtPage(state: JobState): Promise<void> {
    const { store, queue } = this.#context;
    const page = await store.page(state, this.#cursors.get(state), LOOKED_AT_ONCE);
    if (page.nextCursor === undefined) this.#cursors.delete(state);
    else this.#cursors.set(state, page.nextCursor);
    if (page.items.length === 0) return;
    const missing = new Set(await queue.missing?.(page.items.map(toEntryId)));
    const lost = page.items.filter((record) => missing.has(toEntryId(record)));
    if (lost.length > 0) await this.#addAgain(lost);
  }

  /** The list was read before the queue was asked: some may have ended in between. */
  async #addAgain(records: readonly JobRecord[]): Promise<void> {
    const { store, clock, emit } = this.#context;
    const present = await Promise.all(records.map(({ id }) => store.get(id)));
    const lost = present.filter(
      (record): record is JobRecord => record !== undefined && !hasEnded(record.data.state),
    );
    if (lost.length === 0) return;
    const nowMs = clock.wallMs();
    await addToQueue(
      lost.map((record) => toEntry(record, nowMs)),
      this.#context,
    );
    emit({
      type: 'warning',
      code: 'queue-lost-jobs',
      message: `The queue did not have ${lost.length} jobs that the storage knows. It has got them again.`,
    });
  }
}
