import type { Clock } from '../contracts/clock.js';
import { sleep } from '../internal/sleep.js';
import { backoffDelayMs } from '../resilience/backoff.js';
import type { JobStore } from './job-store.js';
import type { JobRecord } from './record.js';

const AGAIN = { minDelayMs: 500, maxDelayMs: 15_000 };

/**
 * Takes jobs out of the outbox that the queue has got.
 *
 * In the background, and again where it fails: a job is acknowledged without it. What is left at the close is found by
 * a relay, which takes the job over.
 */
export class Outbox {
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #ids = new Set<string>();
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(store: JobStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The queue has these jobs. */
  settle(records: readonly Pick<JobRecord, 'id'>[]): void {
    if (!this.#store.hasOutbox) return;
    for (const { id } of records) this.#ids.add(id);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#run().finally(() => {
      this.#isRunning = false;
    });
  }

  /** Makes one last attempt, and waits for it. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let failures = 0; this.#ids.size > 0; ) {
      const isLast = this.#closing.signal.aborted;
      const ids = [...this.#ids];
      try {
        await this.#store.handedOver(ids);
        for (const id of ids) this.#ids.delete(id);
        failures = 0;
      } catch {
        if (isLast) return;
        failures += 1;
        await sleep(this.#clock, backoffDelayMs(failures, AGAIN), this.#closing.signal).catch(
          () => undefined,
        );
      }
    }
  }
}
