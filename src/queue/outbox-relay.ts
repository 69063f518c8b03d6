import { Periodic } from '../internal/periodic.js';
import { isoTime, type JobContext } from './context.js';
import { addToQueue } from './enqueue.js';
import { toEntry } from './entry.js';
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
    const ids = await this.#pending();
    for (const id of this.#firstSeenMs.keys()) if (!ids.has(id)) this.#firstSeenMs.delete(id);
    const nowMs = this.#context.clock.monotonicMs();
    for (const id of ids) {
      const firstSeenMs = this.#firstSeenMs.get(id) ?? nowMs;
      this.#firstSeenMs.set(id, firstSeenMs);
      if (this.#periodic.isStopped || nowMs - firstSeenMs < STRANDED_AFTER_MS) continue;
      // One record that cannot be read must not keep the others from their queue.
      await this.#takeOver(id).catch(() => undefined);
    }
  }

  async #pending(): Promise<ReadonlySet<string>> {
    const ids = new Set<string>();
    for (let cursor: string | undefined; !this.#periodic.isStopped; ) {
      const page = await this.#context.store.outbox(cursor);
      for (const { id } of page.items) ids.add(id);
      if (page.nextCursor === undefined) break;
      cursor = page.nextCursor;
    }
    return ids;
  }

  async #takeOver(id: string): Promise<void> {
    const { store, clock, outbox } = this.#context;
    const record = await store.get(id);
    if (record?.data.state === 'queued') {
      const taken = await store.replace(record, toTakenOver(record.data, isoTime(clock)));
      if (taken === undefined) return;
      await addToQueue([toEntry(taken, clock.wallMs())], this.#context);
    }
    outbox.settle([{ id }]);
  }
}
