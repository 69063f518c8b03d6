import type { TimerHandle } from '../contracts/clock.js';
import { isoTime, type JobContext } from './context.js';
import { addToQueue } from './enqueue.js';
import { toEntryId } from './entry-id.js';
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
  #timer: TimerHandle | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(context: JobContext) {
    this.#context = context;
  }

  /** Begins at once. Does nothing where the storage keeps no outbox. */
  start(): void {
    if (this.#isStopped || this.#timer !== undefined || !this.#context.store.hasOutbox) return;
    // What fails is told by the storage and by the queue, and is tried again.
    this.#running = this.#relay().catch(() => undefined);
    this.#timer = this.#context.clock.setTimer(() => {
      this.#timer = undefined;
      void this.#running.then(() => this.start());
    }, EVERY_MS);
    // A process that has nothing else to do may end.
    this.#timer.unref?.();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #relay(): Promise<void> {
    const ids = await this.#pending();
    for (const id of this.#firstSeenMs.keys()) if (!ids.has(id)) this.#firstSeenMs.delete(id);
    const nowMs = this.#context.clock.monotonicMs();
    for (const id of ids) {
      const firstSeenMs = this.#firstSeenMs.get(id) ?? nowMs;
      this.#firstSeenMs.set(id, firstSeenMs);
      if (this.#isStopped || nowMs - firstSeenMs < STRANDED_AFTER_MS) continue;
      // One record that cannot be read must not keep the others from their queue.
      await this.#takeOver(id).catch(() => undefined);
    }
  }

  async #pending(): Promise<ReadonlySet<string>> {
    const ids = new Set<string>();
    for (let cursor: string | undefined; !this.#isStopped; ) {
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
      const { priority, runAt } = taken.data;
      const delayMs = Math.max(0, Date.parse(runAt) - clock.wallMs());
      await addToQueue([{ id: toEntryId(taken), priority, delayMs }], this.#context);
    }
    outbox.settle([{ id }]);
  }
}
