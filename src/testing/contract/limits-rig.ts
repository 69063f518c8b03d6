import { equal, fail } from 'node:assert/strict';
import type { LimitKey, LimitLease, LimitsAdapter } from '../../contracts/limits.js';
import type { Clause, Subject } from './runner.js';
import type { SuiteTime } from './time.js';

export type LimitsClause = Clause<LimitsRig>;

const KEY: LimitKey = { project: 'project-1', endpoint: 'endpoint-1', mode: 'sync' };

/** One call of `acquire`, and what came of it. */
export interface Ask {
  readonly name: string;
  readonly settled: Promise<void>;
  lease?: LimitLease;
  error?: unknown;
  /** When it was granted. */
  atMs?: number;
}

interface AskOptions {
  readonly priority?: number;
  readonly key?: Partial<LimitKey>;
  readonly signal?: AbortSignal;
  /** Default: the first one. */
  readonly adapter?: LimitsAdapter;
}

/** A limits adapter together with all that was asked of it. */
export class LimitsRig {
  readonly time: SuiteTime;
  readonly granted: Ask[] = [];
  readonly #subject: Subject<LimitsAdapter>;

  constructor(subject: Subject<LimitsAdapter>) {
    this.#subject = subject;
    this.time = subject.time;
  }

  /** Names of those that were granted a place, in order. */
  get names(): string[] {
    return this.granted.map(({ name }) => name);
  }

  /** One more adapter of the same back end. */
  another(): Promise<LimitsAdapter> {
    return this.#subject.another();
  }

  ask(name: string, { priority = 0, key = {}, signal = neverAborts(), adapter }: AskOptions = {}): Ask {
    const acquired = (adapter ?? this.#subject.adapter).acquire({ ...KEY, ...key }, { priority, signal });
    const ask: Ask = {
      name,
      settled: acquired.then(
        (lease) => {
          ask.lease = lease;
          ask.atMs = this.time.clock.monotonicMs();
          this.granted.push(ask);
        },
        (error: unknown) => {
          ask.error = error;
        },
      ),
    };
    return ask;
  }

  /** Asks, and waits for a place that must be free. */
  async take(name: string, options: AskOptions = {}): Promise<LimitLease> {
    const ask = this.ask(name, options);
    await this.time.until(`${name} gets a place`, () => ask.lease !== undefined || ask.error !== undefined);
    return ask.lease ?? fail(`${name} was refused: ${String(ask.error)}`);
  }

  /** Asks one after the other, so that they arrive in this order. All of them must have to wait. */
  async line(...asks: readonly (readonly [name: string, priority: number])[]): Promise<Ask[]> {
    const waiting: Ask[] = [];
    for (const [name, priority] of asks) {
      waiting.push(this.ask(name, { priority }));
      await this.time.settle();
    }
    for (const { name, lease } of waiting) equal(lease, undefined, `${name} did not have to wait`);
    return waiting;
  }

  /** Releases places as they are granted, from the given index on, until `count` have been. */
  async releaseUntil(count: number, from = 0): Promise<void> {
    for (let index = from; index < count; index++) {
      await this.time.until(`place ${index} is granted`, () => this.granted.length > index);
      this.granted[index]?.lease?.release();
    }
  }

  /** Fails unless exactly this many have been granted, now and after everything that can happen has. */
  async grants(count: number): Promise<void> {
    await this.time.until(`${count} are granted`, () => this.granted.length >= count);
    await this.time.settle();
    equal(this.granted.length, count, `granted: ${this.names.join(', ')}`);
  }
}

function neverAborts(): AbortSignal {
  return new AbortController().signal;
}
