import type { Clock } from '../contracts/clock.js';
import { Backlog } from './backlog.js';
import { type JobStore, outboxIdsOf } from './job-store.js';
import type { JobRecord } from './record.js';

const STORAGE_AGAIN = { minDelayMs: 500, maxDelayMs: 15_000 };
/** Shorter: a queue that is back should not wait for its jobs. */
const QUEUE_AGAIN = { minDelayMs: 250, maxDelayMs: 2000 };

/**
 * Takes jobs out of the outbox that the queue has got, and gives it those that it could not take.
 *
 * In the background, and again where it fails: a job is acknowledged without it. What is left at the close is found by
 * a relay, which takes the jobs over.
 */
export class Outbox {
  readonly #store: JobStore;
  readonly #closing = new AbortController();
  readonly #handedOver: Backlog<string>;
  readonly #refused: Backlog<readonly JobRecord[]>;

  constructor(store: JobStore, clock: Clock, add: (records: readonly JobRecord[]) => Promise<void>) {
    const closing = this.#closing.signal;
    this.#store = store;
    this.#handedOver = new Backlog({
      clock,
      closing,
      backoff: STORAGE_AGAIN,
      work: (ids) => store.handedOver(ids),
    });
    this.#refused = new Backlog({
      clock,
      closing,
      backoff: QUEUE_AGAIN,
      work: async (calls) => {
        await add(calls.flat());
        this.settle(calls.flatMap(outboxIdsOf));
      },
    });
  }

  /** The queue has what these items name. */
  settle(ids: readonly string[]): void {
    if (!this.#store.hasOutbox) return;
    for (const id of ids) this.#handedOver.add(id, id);
  }

  /** The queue could not take these jobs, which were created together. It gets them as soon as it can. */
  handOverLater(records: readonly JobRecord[]): void {
    const [first] = records;
    if (first !== undefined) this.#refused.add(first.id, records);
  }

  /** Makes one last attempt, and waits for it. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#refused.settled();
    await this.#handedOver.settled();
  }
}
