import type { Clock } from '../contracts/clock.js';
import { sleep } from '../internal/sleep.js';
import { type BackoffOptions, backoffDelayMs } from '../resilience/backoff.js';

export interface BacklogParts<Item> {
  readonly clock: Clock;
  readonly backoff: BackoffOptions;
  /** Done with all of the items, or rejects. */
  readonly work: (items: readonly Item[]) => Promise<void>;
  /** From its abort on a failure is the end. */
  readonly closing: AbortSignal;
}

/** Works off items in the background, all that are there at once, and again where that fails. */
export class Backlog<Item> {
  readonly #parts: BacklogParts<Item>;
  readonly #items = new Map<string, Item>();
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(parts: BacklogParts<Item>) {
    this.#parts = parts;
  }

  /** An item with the key of another one takes its place. */
  add(key: string, item: Item): void {
    this.#items.set(key, item);
    if (!this.#isRunning) this.#running = this.#run();
  }

  /** Never rejects. */
  settled(): Promise<void> {
    return this.#running;
  }

  async #run(): Promise<void> {
    const { clock, backoff, work, closing } = this.#parts;
    this.#isRunning = true;
    // What is added in this turn is worked off together.
    await undefined;
    for (let failures = 0; this.#items.size > 0; ) {
      const isLast = closing.aborted;
      const batch = [...this.#items];
      try {
        await work(batch.map(([, item]) => item));
        for (const [key, item] of batch) if (this.#items.get(key) === item) this.#items.delete(key);
        failures = 0;
      } catch {
        if (isLast) break;
        failures += 1;
        await sleep(clock, backoffDelayMs(failures, backoff), closing).catch(() => undefined);
      }
    }
    this.#isRunning = false;
  }
}
