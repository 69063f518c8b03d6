import type { Clock } from '../contracts/clock.js';
import type { QueueAdapter, QueueEntry } from '../contracts/queue.js';
import type { Page } from '../contracts/storage.js';
import { Periodic } from '../internal/periodic.js';

/** What the storage has of something that the queue should hold. */
export interface Listed {
  readonly id: string;
  /** ISO 8601, UTC. What is quite new may be on its way into the queue. */
  readonly createdAt: string;
}

type ReadPage<Item> = (cursor: string | undefined) => Promise<Page<Item>>;

export interface ReconcilerParts<Item extends Listed> {
  readonly clock: Clock;
  readonly queue: QueueAdapter;
  /** Lists of what the queue should hold, newest first, page by page. */
  readonly lists: readonly ReadPage<Item>[];
  readonly entryIdOf: (item: Item) => string;
  /** Entries of those that the queue should still hold, by their own ids: the list was read before the queue was asked. */
  readonly entriesOf: (ids: readonly string[]) => Promise<readonly QueueEntry[]>;
  /** The queue has got so many again. */
  readonly found: (count: number) => void;
}

/** A list, and how far it has been looked at. */
interface Walk<Item> {
  readonly read: ReadPage<Item>;
  cursor: string | undefined;
  /** Not page by page, one a look, but to its end. */
  isWhole: boolean;
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
 *
 * What fails is made up for by the next look, which goes on where this one has stopped.
 */
export class Reconciler<Item extends Listed> {
  readonly #parts: ReconcilerParts<Item>;
  readonly #periodic: Periodic;
  readonly #walks: readonly Walk<Item>[];
  /** Ids by those of their entries, which the queue does not have, newest first. */
  #lost = new Map<string, string>();
  /** The same for what is too new to be lost. The next look asks for it again. */
  #passedOver = new Map<string, string>();
  #epoch: string | undefined;

  constructor(parts: ReconcilerParts<Item>) {
    this.#parts = parts;
    this.#walks = parts.lists.map((read) => ({ read, cursor: undefined, isWhole: false }));
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
    if (epoch !== this.#epoch) {
      for (const walk of this.#walks) Object.assign(walk, { cursor: undefined, isWhole: true });
      this.#epoch = epoch;
    }
    await this.#askAgain();
    try {
      for (const walk of this.#walks) await this.#follow(walk);
    } finally {
      await this.#addLost();
    }
  }

  /** A look later nothing is new any more, whatever the clocks say. */
  async #askAgain(): Promise<void> {
    const known = [...this.#passedOver, ...this.#lost];
    const lost = new Map<string, string>();
    for (let start = 0; start < known.length; start += LOOKED_AT_ONCE) {
      const part = known.slice(start, start + LOOKED_AT_ONCE);
      const missing = await this.#missing(part.map(([entryId]) => entryId));
      for (const [entryId, id] of part) if (missing.has(entryId)) lost.set(entryId, id);
    }
    this.#lost = lost;
    this.#passedOver = new Map();
  }

  async #follow(walk: Walk<Item>): Promise<void> {
    do {
      const { items, nextCursor } = await walk.read(walk.cursor);
      await this.#ask(items);
      walk.cursor = nextCursor;
      if (nextCursor === undefined) walk.isWhole = false;
    } while (walk.isWhole && !this.#periodic.isStopped);
  }

  async #ask(items: readonly Item[]): Promise<void> {
    const { entryIdOf } = this.#parts;
    const missing = await this.#missing(items.map(entryIdOf));
    for (const item of items) {
      const entryId = entryIdOf(item);
      if (!missing.has(entryId) || this.#lost.has(entryId)) continue;
      const found = this.#isNew(item) ? this.#passedOver : this.#lost;
      found.set(entryId, item.id);
    }
  }

  async #missing(entryIds: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(entryIds.length === 0 ? [] : await this.#parts.queue.missing?.(entryIds));
  }

  /** By the clocks of two machines: where they are far apart, nothing is new. */
  #isNew({ createdAt }: Listed): boolean {
    return Math.abs(this.#parts.clock.wallMs() - Date.parse(createdAt)) < NEW_MS;
  }

  /** Those that came first shall run first. */
  async #addLost(): Promise<void> {
    const { queue, entriesOf, found } = this.#parts;
    const oldestFirst = [...this.#lost].reverse();
    for (let start = 0; start < oldestFirst.length && !this.#periodic.isStopped; start += LOOKED_AT_ONCE) {
      const part = oldestFirst.slice(start, start + LOOKED_AT_ONCE);
      const entries = await entriesOf(part.map(([, id]) => id));
      if (entries.length > 0) {
        await queue.add(entries);
        found(entries.length);
      }
      for (const [entryId] of part) this.#lost.delete(entryId);
    }
  }
}
