import type { Clock } from '../contracts/clock.js';
import type { QueueAdapter, QueueEntry } from '../contracts/queue.js';
import type { Page } from '../contracts/storage.js';
import { Periodic } from '../internal/periodic.js';

export interface ReconcilerParts<Item> {
  readonly clock: Clock;
  readonly queue: QueueAdapter;
  /** Lists of what the queue should hold, page by page. */
  readonly lists: readonly ((cursor: string | undefined) => Promise<Page<Item>>)[];
  readonly entryIdOf: (item: Item) => string;
  /** ISO 8601, UTC. What is quite new may be on its way into the queue. */
  readonly createdAtOf: (item: Item) => string;
  /** Entries of those that the queue should still hold: the list was read before the queue was asked. */
  readonly entriesOf: (items: readonly Item[]) => Promise<readonly QueueEntry[]>;
  /** The queue has got so many again. */
  readonly found: (count: number) => void;
}

const EVERY_MS = 10_000;
const NEW_MS = 5000;
/** So that a look costs the same, however much there is. */
export const LOOKED_AT_ONCE = 500;

/**
 * Gives the queue again what it has lost: the storage knows what has not ended.
 *
 * Each look takes the next page. Where the queue says that it may have lost something, a look takes them all. What is
 * given to the queue twice does no harm: it knows the id, or the worker finds that there is nothing to do.
 */
export class Reconciler<Item> {
  readonly #parts: ReconcilerParts<Item>;
  readonly #periodic: Periodic;
  readonly #cursors: (string | undefined)[];
  #epoch: string | undefined;

  constructor(parts: ReconcilerParts<Item>) {
    this.#parts = parts;
    this.#cursors = parts.lists.map(() => undefined);
    this.#periodic = new Periodic(parts.clock, EVERY_MS, () => this.#look());
  }

  /** Begins at once. Does nothing for a queue that ends with this process. */
  start(): void {
    if (this.#parts.queue.missing !== undefined) this.#periodic.start();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  async #look(): Promise<void> {
    // Asked first: what is lost from here on changes it again.
    const epoch = await this.#parts.queue.epoch?.();
    const isWhole = epoch !== this.#epoch;
    const missing: Item[] = [];
    for (const index of this.#cursors.keys()) {
      if (isWhole) this.#cursors[index] = undefined;
      do missing.push(...(await this.#lookAtPage(index)));
      while (isWhole && this.#cursors[index] !== undefined && !this.#periodic.isStopped);
    }
    const lost = missing.filter((item) => !this.#isNew(item));
    // The lists are newest first; those that came first shall run first.
    for (let end = lost.length; end > 0; end -= LOOKED_AT_ONCE) {
      await this.#addAgain(lost.slice(Math.max(0, end - LOOKED_AT_ONCE), end).reverse());
    }
    // Where something was passed over the next look is a whole one again.
    this.#epoch = lost.length === missing.length ? epoch : undefined;
  }

  async #lookAtPage(index: number): Promise<readonly Item[]> {
    const { lists, queue, entryIdOf } = this.#parts;
    const page = await lists[index]?.(this.#cursors[index]);
    this.#cursors[index] = page?.nextCursor;
    if (page === undefined || page.items.length === 0) return [];
    const missing = new Set(await queue.missing?.(page.items.map(entryIdOf)));
    return page.items.filter((item) => missing.has(entryIdOf(item)));
  }

  /** By the clocks of two machines: where they are far apart, nothing is new. */
  #isNew(item: Item): boolean {
    const { clock, createdAtOf } = this.#parts;
    return Math.abs(clock.wallMs() - Date.parse(createdAtOf(item))) < NEW_MS;
  }

  async #addAgain(items: readonly Item[]): Promise<void> {
    const { queue, entriesOf, found } = this.#parts;
    const entries = await entriesOf(items);
    if (entries.length === 0) return;
    await queue.add(entries);
    found(entries.length);
  }
}
