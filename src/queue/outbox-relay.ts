import type { TimerHandle } from '../contracts/clock.js';
import type { StoredRecord } from '../contracts/storage.js';
import { isoTime, type JobContext } from './context.js';
import { addToQueue } from './enqueue.js';
import { toEntryId } from './entry-id.js';

const EVERY_MS = 10_000;
/** By then the process that took the job has given it to the queue, unless it died in between. */
const STRANDED_AFTER_MS = 60_000;

/**
 * Gives jobs to the queue whose process died between their record and the queue.
 *
 * The queue knows an id that it has already, so that adding one twice changes nothing.
 */
export class OutboxRelay {
  readonly #context: JobContext;
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
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #relay(): Promise<void> {
    const { store, clock } = this.#context;
    const createdBefore = isoTime(clock, -STRANDED_AFTER_MS);
    for (;;) {
      const { items, nextCursor } = await store.outbox(createdBefore);
      for (const item of items) await this.#add(item);
      await store.handedOver(items);
      if (nextCursor === undefined) return;
    }
  }

  async #add({ id }: StoredRecord): Promise<void> {
    const record = await this.#context.store.get(id);
    if (record === undefined || record.data.state !== 'queued') return;
    const { priority, runAt } = record.data;
    const delayMs = Math.max(0, Date.parse(runAt) - this.#context.clock.wallMs());
    await addToQueue([{ id: toEntryId(record), priority, delayMs }], this.#context);
  }
}
