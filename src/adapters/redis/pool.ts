import type { LimitLease } from '../../contracts/limits.js';
import type { TranscriptionError } from '../../errors/index.js';
import { abortError, onAbort } from '../../internal/abort.js';
import { limitsClosed, tooManyWaiting, unavailable } from './errors.js';
import { OwnStarts } from './own-starts.js';
import { SharedPlaces, type SharedPlacesParts, type SharedPlacesSettings } from './shared-places.js';
import { type Waiter, WaitingLine } from './waiting-line.js';

export interface PoolSettings extends SharedPlacesSettings {
  readonly maxWaiting: number;
  readonly commandTimeoutMs: number;
  readonly whenUnavailable: 'reject' | 'local';
}

export interface PoolParts extends SharedPlacesParts {
  readonly settings: PoolSettings;
  /** Whether Redis is known to be out of reach. */
  isDown(): boolean;
  onDown(): void;
}

/** What a lost message costs a caller at most. */
const POLL_MS = 200;
/** Where Redis never said how many processes there are. */
const ASSUMED_PROCESSES = 10;

/** The places for one key, as the callers of this process see them. */
export class RedisPool {
  readonly #parts: PoolParts;
  readonly #shared: SharedPlaces;
  readonly #line = new WaitingLine();
  /** All leases that were given and not released. */
  readonly #running = new Set<string>();
  readonly #starts: OwnStarts | undefined;
  #ids = 0;
  #arrivals = 0;
  #usedAt = Number.NEGATIVE_INFINITY;
  /** The last answer gave less than was asked for, and those who were left still wait. */
  #isFull = false;
  /** Redis keeps a turn for this process. */
  #hasTurn = false;
  #hasFailed = false;
  #isServing = false;
  #isWoken = false;
  #isClosed = false;
  #endPause: () => void = () => undefined;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.#shared = new SharedPlaces(parts);
    const { perWindow, windowMs } = parts.settings;
    this.#starts = perWindow === undefined ? undefined : new OwnStarts(parts.clock, windowMs);
  }

  /** Milliseconds since a caller came. 0 while one waits or has a lease. */
  get idleMs(): number {
    return this.#line.size + this.#running.size > 0 ? 0 : this.#parts.clock.monotonicMs() - this.#usedAt;
  }

  acquire(priority: number, signal: AbortSignal): Promise<LimitLease> {
    const { places, maxWaiting } = this.#parts.settings;
    this.#usedAt = this.#parts.clock.monotonicMs();
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw abortError(signal);
      // Before the first answer nobody knows how many of those who have asked will have to wait.
      if (this.#line.size >= maxWaiting + (this.#isFull ? 0 : places)) throw tooManyWaiting(maxWaiting);
      this.#wait(priority, signal, resolve, reject);
      if (!this.#isServing) void this.#serveAll();
    });
  }

  /** Somebody may have given back a place. */
  wake(): void {
    this.#isWoken = true;
    this.#endPause();
  }

  /** Makes the leases last. `withStarts`: Redis may not know of all that started. Rejects where Redis does not answer. */
  renew(withStarts: boolean): Promise<void> {
    return this.#shared.renew([...this.#running], () => this.#starts?.ages() ?? [], withStarts);
  }

  /** Refuses those who wait. Places that are in use come free when their lease ends. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#refuseAll(limitsClosed());
    this.wake();
    if (this.#parts.isDown()) return;
    await this.#shared.settle();
    await this.#shared.leave('gone');
  }

  #wait(
    priority: number,
    signal: AbortSignal,
    resolve: (lease: LimitLease) => void,
    reject: (error: Error) => void,
  ): void {
    const { clock } = this.#parts;
    const askedAt = clock.monotonicMs();
    this.#arrivals += 1;
    const waiter: Waiter = {
      priority,
      arrival: this.#arrivals,
      serve: (id) => {
        stopListening();
        resolve(this.#lease(id, clock.monotonicMs() - askedAt));
      },
      refuse: (error) => {
        stopListening();
        reject(error);
      },
    };
    const stopListening = onAbort(signal, () => {
      this.#line.remove(waiter);
      reject(abortError(signal));
      if (this.#line.size === 0) this.wake();
    });
    this.#line.add(waiter);
  }

  /** Until nobody waits. Only one of it runs, so that one question at a time is on its way to Redis. */
  async #serveAll(): Promise<void> {
    this.#isServing = true;
    while (this.#line.size > 0) {
      this.#isWoken = false;
      const pauseMs = await this.#serve();
      if (this.#line.size > 0 && pauseMs > 0) await this.#pause(pauseMs);
    }
    this.#isServing = false;
    this.#isFull = false;
    if (this.#hasTurn && !this.#isClosed && !this.#parts.isDown()) void this.#shared.leave('leave');
    this.#hasTurn = false;
  }

  /** Gives out what there is. Returns after how many milliseconds to look again. */
  async #serve(): Promise<number> {
    if (!this.#parts.isDown()) return this.#serveShared();
    if (this.#parts.settings.whenUnavailable === 'local') return this.#serveLocal();
    this.#refuseAll(unavailable());
    return 0;
  }

  async #serveShared(): Promise<number> {
    const { clock, settings } = this.#parts;
    const wanted = Math.min(this.#line.size, settings.places);
    const ids = Array.from({ length: wanted }, () => this.#newId());
    const sentAt = clock.monotonicMs();
    try {
      const { granted, waitMs, hasToRenew } = await this.#shared.take(ids);
      this.#hasFailed = false;
      if (hasToRenew) {
        await this.renew(true);
        return 0;
      }
      this.#hasTurn = granted < wanted;
      // A process that was stopped meanwhile may no longer have what it was given.
      const isFresh = clock.monotonicMs() - sentAt < settings.leaseMs / 2;
      const unused = ids.slice(0, granted).filter((id) => !(isFresh && this.#give(id)));
      if (unused.length > 0) this.#giveBack(unused, 'unused');
      if (granted === wanted) return 0;
      this.#refuseExcess();
      return waitMs > 0 ? Math.min(waitMs, POLL_MS) : POLL_MS;
    } catch (error) {
      this.#fail(error as TranscriptionError, clock.monotonicMs() - sentAt);
      return 0;
    }
  }

  /** The share of this process, which is counted with what it has already. */
  #serveLocal(): number {
    const { places, perWindow } = this.#parts.settings;
    const processes = this.#shared.processes ?? ASSUMED_PROCESSES;
    const share = (limit: number): number => Math.max(1, Math.floor(limit / processes));
    while (this.#running.size < share(places)) {
      if (perWindow !== undefined && (this.#starts?.count ?? 0) >= share(perWindow)) break;
      if (!this.#give(this.#newId())) return 0;
    }
    this.#refuseExcess();
    return POLL_MS;
  }

  /** A connection that broke is replaced at once. One that does not answer, or cannot be made, is none. */
  #fail(error: TranscriptionError, tookMs: number): void {
    if (error.code !== 'network') this.#refuseAll(error);
    else if (this.#hasFailed || tookMs >= this.#parts.settings.commandTimeoutMs) this.#parts.onDown();
    else this.#hasFailed = true;
  }

  /** False where nobody waits any more. */
  #give(id: string): boolean {
    const waiter = this.#line.shift();
    if (waiter === undefined) return false;
    this.#running.add(id);
    this.#starts?.add(id);
    waiter.serve(id);
    return true;
  }

  #lease(id: string, waitedMs: number): LimitLease {
    return {
      waitedMs,
      release: () => {
        if (!this.#running.delete(id)) return;
        this.#giveBack([id], 'over');
        this.wake();
      },
    };
  }

  #giveBack(ids: readonly string[], what: 'over' | 'unused'): void {
    this.#shared.owe(ids, what);
    if (!this.#parts.isDown() && !this.#isClosed) void this.#shared.settle();
  }

  /** Who waits beyond what may wait: those who came last. */
  #refuseExcess(): void {
    const { maxWaiting } = this.#parts.settings;
    this.#isFull = true;
    for (const waiter of this.#line.removeAbove(maxWaiting)) waiter.refuse(tooManyWaiting(maxWaiting));
  }

  #refuseAll(error: Error): void {
    for (const waiter of this.#line.removeAbove(0)) waiter.refuse(error);
  }

  #pause(pauseMs: number): Promise<void> {
    if (this.#isWoken) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#parts.clock.setTimer(resolve, pauseMs);
      this.#endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #newId(): string {
    this.#ids += 1;
    return `${this.#parts.process}:${this.#ids}`;
  }
}
