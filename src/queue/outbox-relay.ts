import { Periodic } from '../internal/periodic.js';
import { isoTime, type JobContext } from './context.js';
import { addJobs } from './hand-over.js';
import type { OutboxItem } from './job-store.js';
import { toTakenOver } from './transitions.js';

const EVERY_MS = 10_000;
/** By then the process that took the job has given it to the queue, unless it died in between. */
const STRANDED_AFTER_MS = 60_000;

/**
 * Gives jobs to the queue whose process died between their record and the queue.
 *
 * A job is taken over by a new round, in one step that holds only where nobody has begun it: an entry of it that some
 * other queue may have is stale from then on. How long it has been there is timed on our own clock, from when it was
 * first seen, because clocks of machines differ.
 */
export class OutboxRelay {
  readonly #context: JobContext;
  readonly #firstSeenMs = new Map<string, number>();
  /** Versions of the jobs that were taken over here, and that the queue has not taken yet. */
  readonly #takenOver = new Map<string, number>();
  readonly #periodic: Periodic;

  constructor(context: JobContext) {
    this.#context = context;
    // What fails is told by the storage and by the queue, and is tried again.
    this.#periodic = new Periodic(context.clock, EVERY_MS, () => this.#relay());
  }

  /** Begins at once. Does nothing where the storage keeps no outbox. */
  start(): void {
    if (this.#context.store.hasOutbox) this.#periodic.start();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  async #relay(): Promise<void> {
    const items = await this.#pending();
    for (const id of this.#firstSeenMs.keys()) if (!items.has(id)) this.#firstSeenMs.delete(id);
    const nowMs = this.#context.clock.monotonicMs();
    for (const item of items.values()) {
      const firstSeenMs = this.#firstSeenMs.get(item.id) ?? nowMs;
      this.#firstSeenMs.set(item.id, firstSeenMs);
      if (this.#periodic.isStopped || nowMs - firstSeenMs < STRANDED_AFTER_MS) continue;
      // One record that cannot be read must not keep the others from their queue.
      await this.#takeOver(item).catch(() => undefined);
    }
  }

  async #pending(): Promise<ReadonlyMap<string, OutboxItem>> {
    const items = new Map<string, OutboxItem>();
    for (let cursor: string | undefined; !this.#periodic.isStopped; ) {
      const page = await this.#context.store.outbox(cursor);
      for (const item of page.items) items.set(item.id, item);
      if (page.nextCursor === undefined) break;
      cursor = page.nextCursor;
    }
    return items;
  }

  async #takeOver({ id, jobIds }: OutboxItem): Promise<void> {
    const results = await Promise.allSettled(jobIds.map((jobId) => this.#takeOverJob(jobId)));
    if (results.every(({ status }) => status === 'fulfilled')) this.#context.outbox.settle([id]);
  }

  async #takeOverJob(id: string): Promise<void> {
    const { store, clock } = this.#context;
    for (;;) {
      const record = await store.get(id);
      if (record?.data.state !== 'queued') break;
      // Once is enough: while the queue is down there is nothing more to write.
      const isOurs = this.#takenOver.get(id) === record.version;
      const taken = isOurs ? record : await store.replace(record, toTakenOver(record.data, isoTime(clock)));
      if (taken === undefined) continue;
      this.#takenOver.set(id, taken.version);
      await addJobs([taken], this.#context);
      break;
    }
    this.#takenOver.delete(id);
  }
}
