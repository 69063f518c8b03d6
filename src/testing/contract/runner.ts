import type { Clock } from '../../contracts/clock.js';
import { createSuiteTime, type SuiteTime } from './time.js';

/** The two functions of a test runner that a suite needs. Those of vitest, jest and node:test fit. */
export interface ContractRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/** What all contract suites take. */
export interface ContractOptions<Adapter> {
  /** Called when a clause has ended, with each adapter that it used. Default: the adapter's own `close()`. */
  dispose?(adapter: Adapter): void | Promise<void>;
  /** Longest time of one clause. Default 4500: a clause that hangs fails before most runners give it up. */
  timeoutMs?: number;
}

/** `injected`: the adapter measures time with the clock that `create` gets. `real`: with a time of its own. */
export type ContractTime = 'injected' | 'real';

/** What a clause works with. */
export interface Subject<Adapter> {
  readonly adapter: Adapter;
  readonly time: SuiteTime;
  /** One more adapter: the same back end where the suite was told how to open it. */
  another(): Promise<Adapter>;
  /** Disposes of an adapter before the clause has ended. */
  end(adapter: Adapter): Promise<void>;
}

/** One rule of a contract. */
export interface Clause<Context> {
  /** Its number and what it asks for: the name of the test. */
  readonly rule: string;
  /** What the adapter must have stated for the rule to hold. */
  readonly needs?: readonly string[];
  check(context: Context): Promise<void>;
}

export interface Suite<Adapter, Context> {
  readonly title: string;
  readonly clauses: readonly Clause<Context>[];
  /** The capabilities that the adapter states. */
  readonly stated: Readonly<Record<string, boolean>>;
  readonly time: ContractTime;
  readonly options: ContractOptions<Adapter>;
  open(clock: Clock): Adapter | Promise<Adapter>;
  another(clock: Clock, first: Adapter): Adapter | Promise<Adapter>;
  /** Makes what the clauses see out of a fresh adapter. */
  context(subject: Subject<Adapter>): Context;
}

const DEFAULT_TIMEOUT_MS = 4500;

/** Hands each clause that applies to the runner, as a test of its own with an adapter of its own. */
export function runSuite<Adapter extends { close?(): Promise<void> }, Context>(
  runner: ContractRunner,
  suite: Suite<Adapter, Context>,
): void {
  const timeoutMs = suite.options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  runner.describe(suite.title, () => {
    for (const clause of suite.clauses) {
      if (clause.needs?.some((need) => suite.stated[need] !== true)) continue;
      runner.it(clause.rule, () => within(timeoutMs, clause.rule, () => runClause(suite, clause)));
    }
  });
}

async function runClause<Adapter extends { close?(): Promise<void> }, Context>(
  suite: Suite<Adapter, Context>,
  clause: Clause<Context>,
): Promise<void> {
  const time = createSuiteTime(suite.time);
  const opened = new Set<Adapter>();
  const keep = (adapter: Adapter): Adapter => {
    opened.add(adapter);
    return adapter;
  };
  const dispose = suite.options.dispose ?? ((adapter: Adapter) => adapter.close?.());
  const end = async (adapter: Adapter): Promise<void> => {
    if (opened.delete(adapter)) await disposeOn(time, async () => dispose(adapter));
  };
  try {
    const adapter = keep(await suite.open(time.clock));
    const another = async (): Promise<Adapter> => keep(await suite.another(time.clock, adapter));
    await clause.check(suite.context({ adapter, time, another, end }));
  } finally {
    for (const adapter of [...opened].reverse()) await end(adapter);
  }
}

/** Closing may wait for time to pass, and nobody but the suite moves an injected clock. */
async function disposeOn(time: SuiteTime, dispose: () => Promise<void>): Promise<void> {
  let ended = false;
  const disposed = dispose().finally(() => {
    ended = true;
  });
  // The rejection is seen below.
  disposed.catch(() => undefined);
  await time.settle();
  if (!ended) await time.pass(1000);
  await disposed;
}

async function within(timeoutMs: number, rule: string, run: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`No end after ${timeoutMs} ms: ${rule}`)), timeoutMs);
  });
  try {
    await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}
