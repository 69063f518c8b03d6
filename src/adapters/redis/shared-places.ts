import type { Clock } from '../../contracts/clock.js';
import type { RedisLink } from './link.js';
import { CHANNEL_KEY, HAS_TO_RENEW, type RedisScript, type RedisScripts } from './scripts.js';

export interface SharedPlacesSettings {
  readonly places: number;
  /** Starts in a window. Undefined: no limit. */
  readonly perWindow: number | undefined;
  readonly windowMs: number;
  readonly leaseMs: number;
}

export interface SharedPlacesParts {
  readonly settings: SharedPlacesSettings;
  /** Of this process; unlike that of any other. */
  readonly process: string;
  /** In the order in which the scripts take them. */
  readonly keys: readonly string[];
  readonly clock: Clock;
  readonly link: RedisLink;
  readonly scripts: RedisScripts;
}

/** A start and the milliseconds since. */
export type StartAge = readonly [id: string, ageMs: number];

export interface TakeAnswer {
  readonly granted: number;
  /** After how long the window may have room again. 0: it is not the window that is full. */
  readonly waitMs: number;
  /** Redis has lost its data: nothing was granted, and `renew()` has to come first. */
  readonly hasToRenew: boolean;
}

/** Added to the window: what a start may take longer than a later one to get to the server that counts it. */
const SPREAD_MS = 200;
/** Keys outlive all that they hold. */
const KEEP_MS = 10_000;

/** The places for one key, as Redis keeps them. */
export class SharedPlaces {
  readonly #parts: SharedPlacesParts;
  readonly #first: readonly string[];
  /** Leases that are over, and since when, while Redis has not said that it knows. */
  readonly #over = new Map<string, number>();
  /** Leases without a request: nobody was there any more, or the answer that granted them got lost. */
  readonly #unused = new Set<string>();
  #epoch = '';
  #processes: number | undefined;

  constructor(parts: SharedPlacesParts) {
    this.#parts = parts;
    const { places, perWindow, windowMs, leaseMs } = parts.settings;
    const keepMs = 2 * Math.max(leaseMs, windowMs) + KEEP_MS;
    this.#first = [
      parts.process,
      ...[leaseMs, windowMs + SPREAD_MS, keepMs, places, perWindow ?? 0].map(String),
    ];
  }

  /** Processes that used these places within the last lease, this one too. Undefined: Redis never said. */
  get processes(): number | undefined {
    return this.#processes;
  }

  /** Asks for a place for each id. Rejects where it cannot know what was granted. */
  async take(ids: readonly string[]): Promise<TakeAnswer> {
    void this.settle();
    this.#parts.link.listen(this.#parts.keys[CHANNEL_KEY] as string);
    let answer: readonly [granted: number, waitMs: number, processes: number, epoch: string];
    try {
      answer = (await this.#run(this.#parts.scripts.acquire, ids)) as typeof answer;
    } catch (error) {
      this.owe(ids, 'unused');
      throw error;
    }
    const [granted, waitMs, processes, epoch] = answer;
    this.#processes = Number(processes);
    if (granted === HAS_TO_RENEW) return { granted: 0, waitMs: 0, hasToRenew: true };
    this.#epoch = epoch;
    return { granted, waitMs, hasToRenew: false };
  }

  /**
   * Makes leases last, and tells of them again where they are lost or Redis never knew them.
   *
   * Starts are left out where Redis must know them, unless it turns out that it has lost them.
   */
  async renew(
    leases: readonly string[],
    starts: () => readonly StartAge[],
    withStarts: boolean,
  ): Promise<void> {
    void this.settle();
    const ages = withStarts ? starts().flatMap(([id, ageMs]) => [id, String(Math.floor(ageMs))]) : [];
    const values = [String(leases.length), ...leases, ...ages];
    const [processes, epoch] = (await this.#run(this.#parts.scripts.renew, values)) as [number, string];
    const isLost = this.#epoch !== '' && this.#epoch !== epoch;
    this.#processes = Number(processes);
    this.#epoch = epoch;
    if (isLost && !withStarts) await this.renew(leases, starts, true);
  }

  /** Leases that come to an end, without telling Redis now. `unused`: nothing has started either. */
  owe(ids: readonly string[], what: 'over' | 'unused'): void {
    const { clock, settings } = this.#parts;
    const now = clock.monotonicMs();
    for (const id of ids) {
      if (what === 'over') this.#over.set(id, now);
      else this.#unused.add(id);
    }
    // Of older ones Redis knows by itself. So in a long outage they do not pile up.
    for (const [id, atMs] of this.#over) {
      if (atMs > now - settings.leaseMs) break;
      this.#over.delete(id);
    }
  }

  /** Tells Redis what is owed. Never rejects. */
  async settle(): Promise<void> {
    const [over, unused] = [[...this.#over.keys()], [...this.#unused]];
    this.#over.clear();
    this.#unused.clear();
    await Promise.all([
      over.length === 0 || this.#release('stay', 'keep', over).catch(() => this.owe(over, 'over')),
      unused.length === 0 || this.#release('stay', 'undo', unused).catch(() => this.owe(unused, 'unused')),
    ]);
  }

  /** Gives the turn back of a process with nobody who waits; or all of it, where the process goes. Never rejects. */
  async leave(how: 'leave' | 'gone'): Promise<void> {
    await this.#release(how, 'keep', []).catch(() => undefined);
  }

  #release(how: 'stay' | 'leave' | 'gone', what: 'keep' | 'undo', ids: readonly string[]): Promise<unknown> {
    return this.#run(this.#parts.scripts.release, [how, what, ...ids]);
  }

  #run(script: RedisScript, values: readonly string[]): Promise<unknown> {
    const { link, keys, process } = this.#parts;
    // Another process that finds no epoch at the same time draws another one.
    const fresh = `${process}-${Math.random()}`;
    return link.run(script, keys, [...this.#first, this.#epoch, fresh, ...values]);
  }
}
