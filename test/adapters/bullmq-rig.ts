import type {
  EntryHandler,
  EntryOutcome,
  QueueAdapter,
  QueueEntry,
  QueueWorkerOptions,
} from 'transcription-client';
import { type BullmqQueueOptions, createBullmqQueue } from 'transcription-client/bullmq';
import { type FaultProxy, startFaultProxy, testQueueContract } from 'transcription-client/testing';
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { type RedisServer, startRedis } from '../support/redis-server.mjs';

/** As long as the tests of faults have it. */
export const FAULT_TIMES = { lockDurationMs: 3000, stalledIntervalMs: 1000 } as const;

export interface RedisRig {
  readonly server: RedisServer;
  /** A queue on the server, which is closed when the test has ended. Each name is a queue of its own. */
  queue(options?: BullmqQueueOptions): QueueAdapter;
  proxy(): Promise<FaultProxy>;
  /** A name that no other test has. */
  name(): string;
}

/** A server for the tests of a file. */
export function redisRig(settings?: Readonly<Record<string, string>>): RedisRig {
  let server: RedisServer | undefined;
  let names = 0;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    server = await startRedis(settings);
    // The first call loads it, within its time. Tests make that short.
    await import('bullmq');
  }, 60_000);
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(() => server?.close(), 60_000);
  const started = (): RedisServer => {
    if (server === undefined) throw new Error('The server has not been started.');
    return server;
  };
  return {
    get server() {
      return started();
    },
    queue(options = {}) {
      const connection = options.cluster === undefined ? { connection: started().url } : {};
      const queue = createBullmqQueue({ ...connection, ...options });
      closing.push(() => queue.close());
      return queue;
    },
    async proxy() {
      const proxy = await startFaultProxy({ target: started().url });
      closing.push(() => proxy.close());
      return proxy;
    },
    name() {
      names += 1;
      return `queue-${names}`;
    },
  };
}

/** Runs the contract. Each rule has a queue with a name of its own, so that they can run at the same time. */
export function contract(open: (name: string) => QueueAdapter, leftOut: readonly number[] = []): void {
  const names = new WeakMap<QueueAdapter, string>();
  const starts = leftOut.map((rule) => `queue ${rule}:`);
  let count = 0;
  const openNamed = (name: string): QueueAdapter => {
    const queue = open(name);
    names.set(queue, name);
    return queue;
  };
  testQueueContract(
    {
      describe,
      it(rule, body) {
        if (!starts.some((start) => rule.startsWith(start))) it.concurrent(rule, body);
      },
    },
    {
      capabilities: { distributed: true, durable: true },
      time: 'real',
      create() {
        count += 1;
        return openNamed(`contract-${count}`);
      },
      reopen: (first) => openNamed(names.get(first) ?? ''),
    },
  );
}

export function entry(id: string, rest: Partial<QueueEntry> = {}): QueueEntry {
  return { id, priority: 0, delayMs: 0, ...rest };
}

export function entries(count: number, prefix = 'e', rest: Partial<QueueEntry> = {}): QueueEntry[] {
  return Array.from({ length: count }, (_, index) => entry(`${prefix}${index}`, rest));
}

export interface Recorded {
  readonly id: string;
  readonly signal: AbortSignal;
  readonly atMs: number;
  end(outcome?: EntryOutcome): void;
}

export interface Recorder {
  readonly runs: Recorded[];
  readonly errors: unknown[];
  readonly handler: EntryHandler;
  options(concurrency: number): QueueWorkerOptions;
  /** The run with this index, once it has begun. */
  run(index: number): Promise<Recorded>;
}

/** A handler whose runs go on until the test ends them. */
export function recorder(): Recorder {
  const runs: Recorded[] = [];
  const errors: unknown[] = [];
  return {
    runs,
    errors,
    handler: ({ id }, signal) =>
      new Promise((resolve) => {
        runs.push({ id, signal, atMs: performance.now(), end: (outcome = DONE) => resolve(outcome) });
      }),
    options: (concurrency) => ({ concurrency, onError: (error) => errors.push(error) }),
    async run(index) {
      await until(() => runs.length > index);
      return runs[index] as Recorded;
    },
  };
}

export const DONE = { type: 'done' } as const;

/** Waits for a condition, which comes true within some seconds. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`It never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function succeeds(call: Promise<unknown>): Promise<boolean> {
  const [outcome] = await Promise.allSettled([call]);
  return outcome.status === 'fulfilled';
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
