import type { JobStore } from './job-store.js';
import type { JobRecord } from './record.js';

/** An entry that finds no place comes back after this, times the length of the row that it stands in. */
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

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
  /** Entries that this process has sent away, by user. */
  readonly #waiting = new Map<string, Set<string>>();

  constructor(store: JobStore, places: number | undefined, random: () => number = Math.random) {
    this.#store = store;
    this.#places = places;
    this.#random = random;
  }

  /** Undefined where there is a place for the job, otherwise the milliseconds after which to come again. */
  async pauseFor({ id, userId }: JobRecord): Promise<number | undefined> {
    const places = this.#places;
    if (places === undefined || userId === undefined) return undefined;
    const active = await this.#store.activeOf(userId, places + 1);
    const others = active.filter((other) => other.id !== id);
    if (others.length < places) {
      this.#leave(userId, id);
      return undefined;
    }
    const row = this.#waiting.get(userId) ?? new Set();
    this.#waiting.set(userId, row.add(id));
    const turns = Math.ceil(row.size / places);
    return Math.min(LONGEST_PAUSE_MS, PAUSE_MS * turns) * (0.5 + this.#random() / 2);
  }

  #leave(userId: string, id: string): void {
    const row = this.#waiting.get(userId);
    row?.delete(id);
    if (row?.size === 0) this.#waiting.delete(userId);
  }
}
