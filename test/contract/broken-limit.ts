import { createMemoryLimits } from '../../src/adapters/memory/index.js';
import type { Clock } from '../../src/contracts/clock.js';
import type { LimitKey, LimitLease, LimitsAdapter } from '../../src/contracts/limits.js';
import { abortError, onAbort, raceAbort } from '../../src/internal/abort.js';
import type { ContractLimits, LimitsContractOptions } from '../../src/testing/contract/limits.js';

export type Acquire = LimitsAdapter['acquire'];

/** The rules about starts are violated apart from those about places. */
type Part = 'places' | 'starts';

export function broken(
  part: Part,
  change: (acquire: Acquire, limits: ContractLimits, clock: Clock) => Acquire,
): LimitsContractOptions {
  return {
    create(limits, clock) {
      const inner = createMemoryLimits(limits, clock);
      const isMeant = (limits.requestsPerMinute === undefined) === (part === 'places');
      const acquire: Acquire = (key, request) => inner.acquire(key, request);
      return { acquire: isMeant ? change(acquire, limits, clock) : acquire };
    },
    reopen: sameAgain,
  };
}

/** The back end of limits in memory is the adapter itself. */
export function sameAgain(first: LimitsAdapter): LimitsAdapter {
  return { acquire: (key, request) => first.acquire(key, request) };
}

/** Sound by itself; only what another adapter of the same back end does is broken. */
export function brokenSharing(
  part: Part,
  change: (first: LimitsAdapter, limits: ContractLimits, clock: Clock) => LimitsAdapter,
): LimitsContractOptions {
  return {
    create: (limits, clock) => createMemoryLimits(limits, clock),
    reopen(first, limits, clock) {
      const isMeant = (limits.requestsPerMinute === undefined) === (part === 'places');
      return isMeant ? change(first, limits, clock) : sameAgain(first);
    },
  };
}

export function rekeyed(part: Part, change: (key: LimitKey) => LimitKey): LimitsContractOptions {
  return broken(part, (acquire) => (key, request) => acquire(change(key), request));
}

/** A lease that also tells of its first release. */
export function watched(lease: LimitLease, onRelease: () => void): LimitLease {
  let isReleased = false;
  return {
    waitedMs: lease.waitedMs,
    release() {
      if (!isReleased) onRelease();
      isReleased = true;
      lease.release();
    },
  };
}

/** Counts for each project. */
export class Counts {
  readonly #counts = new Map<string, number>();

  get({ project }: LimitKey): number {
    return this.#counts.get(project) ?? 0;
  }

  add(key: LimitKey, by: number): void {
    this.#counts.set(key.project, this.get(key) + by);
  }
}

/** The caller is refused at the abort, but what it asked for is taken later all the same, where `isKept` says so. */
export function ghost(isKept: () => boolean, acquire: Acquire): Acquire {
  return (key, { priority, signal }) => {
    const inner = new AbortController();
    const onAbort = (): void => {
      if (signal.aborted && !isKept()) inner.abort(signal.reason);
    };
    if (signal.aborted) inner.abort(signal.reason);
    else signal.addEventListener('abort', onAbort);
    const acquired = acquire(key, { priority, signal: inner.signal });
    return raceAbort(acquired, signal);
  };
}

interface Window {
  /** Whether a start no longer counts. */
  isOver(startMs: number, nowMs: number): boolean;
  now?(clock: Clock): number;
  /** Whether a release gives the start back. */
  readonly isGivenBack?: boolean;
}

interface Waiter {
  readonly priority: number;
  readonly start: () => void;
}

const LOOK_AGAIN_MS = 500;

/** Counts the starts in its own way. */
export function counting(window: Window): LimitsContractOptions {
  return {
    create(limits, clock) {
      const perMinute = limits.requestsPerMinute;
      const inner = createMemoryLimits({ ...limits, requestsPerMinute: undefined }, clock);
      if (perMinute === undefined) return inner;
      const lines = new Map<string, StartLine>();
      return {
        acquire(key, request) {
          if (key.mode === 'stream') return inner.acquire(key, request);
          const id = `${key.project} ${key.endpoint}`;
          const line = lines.get(id) ?? new StartLine(window, perMinute, clock);
          lines.set(id, line);
          return line.acquire(request.priority, request.signal);
        },
      };
    },
    reopen: sameAgain,
  };
}

class StartLine {
  readonly #window: Window;
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #waiting: Waiter[] = [];
  #starts: number[] = [];

  constructor(window: Window, perMinute: number, clock: Clock) {
    this.#window = window;
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  acquire(priority: number, signal: AbortSignal): Promise<LimitLease> {
    const askedAt = this.#clock.monotonicMs();
    return new Promise((resolve, reject) => {
      const start = (): void => {
        const lease = { waitedMs: this.#clock.monotonicMs() - askedAt, release: () => undefined };
        resolve(watched(lease, () => this.#window.isGivenBack && this.#starts.pop()));
      };
      const waiter = { priority, start };
      const behind = this.#waiting.findIndex((other) => other.priority > priority);
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, waiter);
      onAbort(signal, () => {
        if (this.#waiting.includes(waiter)) this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(abortError(signal));
      });
      this.#look(waiter);
    });
  }

  #look(waiter: Waiter): void {
    const now = this.#window.now?.(this.#clock) ?? this.#clock.monotonicMs();
    this.#starts = this.#starts.filter((at) => !this.#window.isOver(at, now));
    while (this.#starts.length < this.#perMinute && this.#waiting.length > 0) {
      this.#starts.push(now);
      this.#waiting.shift()?.start();
    }
    if (this.#waiting.includes(waiter)) this.#clock.setTimer(() => this.#look(waiter), LOOK_AGAIN_MS);
  }
}
