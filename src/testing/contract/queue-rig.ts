import { fail } from 'node:assert/strict';
import type {
  EntryHandler,
  EntryOutcome,
  QueueAdapter,
  QueueDepth,
  QueueEntry,
  QueueWorker,
} from '../../contracts/queue.js';
import type { Clause, Subject } from './runner.js';
import type { SuiteTime } from './time.js';

export type QueueClause = Clause<QueueRig>;

/** One call of the handler. It goes on until the clause ends it. */
export interface Run {
  readonly entry: QueueEntry;
  readonly signal: AbortSignal;
  readonly atMs: number;
  end(outcome?: EntryOutcome): void;
  fail(error: unknown): void;
}

export function entry(id: string, rest: Partial<QueueEntry> = {}): QueueEntry {
  return { id, priority: 0, delayMs: 0, ...rest };
}

/** A queue with a handler that records its calls. */
export class QueueRig {
  readonly queue: QueueAdapter;
  readonly time: SuiteTime;
  readonly subject: Subject<QueueAdapter>;
  readonly runs: Run[] = [];
  readonly errors: unknown[] = [];

  constructor(subject: Subject<QueueAdapter>) {
    this.subject = subject;
    this.queue = subject.adapter;
    this.time = subject.time;
  }

  get ids(): string[] {
    return this.runs.map(({ entry: { id } }) => id);
  }

  readonly handler: EntryHandler = (entry, signal) =>
    new Promise((resolve, reject) => {
      const end = (outcome: EntryOutcome = { type: 'done' }): void => resolve(outcome);
      this.runs.push({ entry, signal, atMs: this.time.clock.monotonicMs(), end, fail: reject });
    });

  start(concurrency = 1, queue = this.queue, handler = this.handler): QueueWorker {
    return queue.startWorker(handler, { concurrency, onError: (error) => this.errors.push(error) });
  }

  add(...ids: readonly string[]): Promise<void> {
    return this.queue.add(ids.map((id) => entry(id)));
  }

  /** The run with this index, once it has begun. */
  async run(index: number): Promise<Run> {
    await this.time.until(`run ${index} begins`, () => this.runs.length > index);
    return this.runs[index] ?? fail(`run ${index} is missing`);
  }

  /** The same where it may take a while: what another adapter has added may be found only now and then. */
  async laterRun(index: number): Promise<Run> {
    await this.time.passUntil(`run ${index} begins`, 1000, () => this.runs.length > index);
    return this.run(index);
  }

  /** Ends one run after the other, until `count` of them have been. */
  async drain(count: number): Promise<void> {
    for (let index = 0; index < count; index++) (await this.run(index)).end();
    await this.idle();
  }

  /** Until nothing is left. */
  idle(): Promise<void> {
    return this.depth({ waiting: 0, delayed: 0, active: 0 });
  }

  async depth(expected: QueueDepth): Promise<void> {
    await this.time.until(`depth is ${JSON.stringify(expected)}`, async () => {
      const { waiting, delayed, active } = await this.queue.depth();
      return waiting === expected.waiting && delayed === expected.delayed && active === expected.active;
    });
  }

  /** Closes the worker while time goes by. */
  async close(worker: QueueWorker, timeoutMs: number): Promise<void> {
    let closed = false;
    const closing = worker.close({ timeoutMs }).finally(() => {
      closed = true;
    });
    // The rejection is seen below.
    closing.catch(() => undefined);
    await this.time.passUntil('the worker is closed', timeoutMs + 5000, () => closed);
    await closing;
  }
}
