import type { Clock } from '../contracts/clock.js';
import type { QueueAdapter } from '../contracts/queue.js';
import { earlyMs, toEntryId } from './entry.js';
import type { JobStore } from './job-store.js';
import type { JobRecord } from './record.js';

/** An entry that finds no place comes back after this, times the length of the row that it stands in. */
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** Who has not come back by then runs elsewhere, or was cancelled. */
const FORGOTTEN_AFTER_MS = 2 * LONGEST_PAUSE_MS;
/** As many records as a page has at most. Those that a crash left behind are in between. */
const PAGE = 1000;

/**
 * Jobs of one user that run at the same time, over all processes.
 *
 * The storage says how many are active. Each run looks again once its own record is active: of runs that begin at the
 * same time the last one to write sees all others, so that there are never more.
 */
export class UserPlaces {
  readonly #store: JobStore;
  readonly #places: number | undefined;
  readonly #random: () => number;
  /** Jobs that this process has sent away, those that were seen last at the end. */
  readonly #waiting = new Map<string, { readonly userId: string; readonly seenMs: number }>();
  /** How many of these each user has. */
  readonly #rows = new Map<string, number>();
  /** Entries that run in this process. */
  readonly #running = new Set<string>();

  constructor(store: JobStore, places: number | undefined, random: () => number = Math.random) {
    this.#store = store;
    this.#places = places;
    this.#random = random;
  }

  /** Call it for each entry, and what it returns when that is done. */
  enter(entryId: string): () => void {
    this.#running.add(entryId);
    return () => void this.#running.delete(entryId);
  }

  /** Undefined where there is a place for the job, otherwise the milliseconds after which to come again. */
  async pauseFor(
    record: JobRecord,
    { clock, queue }: { readonly clock: Clock; readonly queue: QueueAdapter },
  ): Promise<number | undefined> {
    const places = this.#places;
    const { id, userId } = record;
    if (places === undefined || userId === undefined) return undefined;
    const { distributed } = queue.capabilities;
    const active = await this.#store.activeOf(userId, distributed ? places + 1 : PAGE);
    const others = active.filter(
      (other) => other.id !== id && (distributed || this.#isAlive(other, clock.wallMs())),
    );
    this.#forgetThoseGone(clock.monotonicMs());
    if (others.length < places) {
      this.forget(id);
      return undefined;
    }
    const turns = Math.ceil(this.#sendAway(id, userId, clock.monotonicMs()) / places);
    return Math.min(LONGEST_PAUSE_MS, PAUSE_MS * turns) * (0.5 + this.#random() / 2);
  }

  /** The job stands in no row any more. */
  forget(id: string): void {
    const known = this.#waiting.get(id);
    if (known === undefined) return;
    this.#waiting.delete(id);
    const length = this.#length(known.userId) - 1;
    if (length === 0) this.#rows.delete(known.userId);
    else this.#rows.set(known.userId, length);
  }

  /** Where the queue ends with the process, others that are active were left behind by one that crashed. */
  #isAlive(other: JobRecord, nowMs: number): boolean {
    const waitsForCallback = other.data.submittedAt !== undefined && earlyMs(other.data, nowMs) > 0;
    return waitsForCallback || this.#running.has(toEntryId(other));
  }

  /** Returns the length of the row. */
  #sendAway(id: string, userId: string, seenMs: number): number {
    this.forget(id);
    this.#waiting.set(id, { userId, seenMs });
    const length = this.#length(userId) + 1;
    this.#rows.set(userId, length);
    return length;
  }

  #forgetThoseGone(nowMs: number): void {
    for (const [id, { seenMs }] of this.#waiting) {
      if (nowMs - seenMs < FORGOTTEN_AFTER_MS) break;
      this.forget(id);
    }
  }

  #length(userId: string): number {
    return this.#rows.get(userId) ?? 0;
  }
}
