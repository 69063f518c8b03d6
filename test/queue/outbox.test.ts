import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import { createSqliteStorage } from '../../src/adapters/sqlite/index.js';
import type { QueueAdapter } from '../../src/contracts/queue.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { ManualClock } from '../support/manual-clock.js';
import { createHarness, type Harness, type HarnessOptions, URL_SOURCE, urlSource } from './harness.js';

const open: Harness[] = [];
let folder: string;
let storage: StorageAdapter;
let clock: ManualClock;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outbox-'));
  storage = createSqliteStorage({ path: join(folder, 'records.db') });
  clock = new ManualClock();
});

afterEach(async () => {
  const closing = open.splice(0).map(({ jobs }) => jobs.close({ timeoutMs: 1 }));
  // What a dying process is doing has no end: its time has.
  const closed = Promise.all(closing).then(() => true);
  while (!(await Promise.race([closed, clock.advance(1).then(() => false)])));
  expect(clock.pendingTimers).toBe(0);
  await storage.close?.();
  await rm(folder, { recursive: true });
});

function harness(options: HarnessOptions = {}): Harness {
  const created = createHarness({ storage, clock, whole: true, ...options });
  open.push(created);
  return created;
}

/** Takes jobs for good, as a process does that dies before it could give them to the queue. */
function dyingQueue(): QueueAdapter {
  const queue = createMemoryQueue({ clock });
  return {
    capabilities: queue.capabilities,
    add: () => new Promise(() => undefined),
    cancel: (id) => queue.cancel(id),
    startWorker: (...args) => queue.startWorker(...args),
    depth: () => queue.depth(),
    close: () => queue.close(),
  };
}

async function pending(): Promise<number> {
  return (await storage.list('outbox', {})).items.length;
}

describe('the outbox', () => {
  it('holds a job from its record until the queue has it', async () => {
    const dying = harness({ queue: dyingQueue(), settings: { autoStart: false } });
    void dying.jobs.enqueue(URL_SOURCE).catch(() => undefined);
    await vi.waitFor(async () => expect(await pending()).toBe(1));
    expect((await storage.list('jobs', {})).items).toMatchObject([{ status: 'queued' }]);
    const living = harness({ settings: { autoStart: false } });
    await living.jobs.enqueueMany(
      [urlSource('a'), urlSource('b')].map((source) => ({ source, options: {} })),
    );
    expect(await pending()).toBe(1);
  });

  it('gives a job whose process died to the queue of another one, once it is stranded', async () => {
    const dying = harness({ queue: dyingQueue(), settings: { autoStart: false } });
    void dying.jobs.enqueue(URL_SOURCE, { priority: 3 }).catch(() => undefined);
    await vi.waitFor(async () => expect(await pending()).toBe(1));
    const living = harness({ answer: (call) => call.resolve(), settings: { autoStart: false } });
    living.jobs.startWorker();
    await clock.advance(50_000);
    expect(living.calls).toEqual([]);
    await clock.advance(20_000);
    await vi.waitFor(() => expect(living.calls).toHaveLength(1));
    await vi.waitFor(async () => expect(await pending()).toBe(0));
    await vi.waitFor(async () =>
      expect((await storage.list('jobs', {})).items).toMatchObject([{ status: 'completed' }]),
    );
  });

  it('forgets a job that was cancelled or removed meanwhile', async () => {
    const dying = harness({ queue: dyingQueue(), settings: { autoStart: false } });
    void dying.jobs.enqueue(URL_SOURCE).catch(() => undefined);
    void dying.jobs.enqueue(URL_SOURCE).catch(() => undefined);
    await vi.waitFor(async () => expect(await pending()).toBe(2));
    const living = harness({ settings: { autoStart: false } });
    const [first, second] = (await storage.list('jobs', {})).items;
    await living.jobs.cancel(first?.id ?? '');
    await living.jobs.cancel(second?.id ?? '');
    expect(await living.jobs.remove(second?.id ?? '')).toBe(true);
    expect(await pending()).toBe(1);
    living.jobs.startWorker();
    await clock.advance(70_000);
    await vi.waitFor(async () => expect(await pending()).toBe(0));
    expect(living.calls).toEqual([]);
  });

  it('goes on after a storage that failed', async () => {
    const dying = harness({ queue: dyingQueue(), settings: { autoStart: false } });
    void dying.jobs.enqueue(URL_SOURCE).catch(() => undefined);
    await vi.waitFor(async () => expect(await pending()).toBe(1));
    let failures = 2;
    const list: StorageAdapter['list'] = (...args) =>
      args[0] === 'outbox' && failures-- > 0 ? Promise.reject(new Error('no')) : storage.list(...args);
    const flaky: StorageAdapter = { ...storage, list };
    const living = harness({ storage: flaky, answer: (call) => call.resolve() });
    living.jobs.startWorker();
    await clock.advance(100_000);
    await vi.waitFor(() => expect(living.calls).toHaveLength(1));
  });

  it('is left out where the storage ends with the process', async () => {
    const memory = createMemoryStorage();
    const { jobs } = harness({ storage: memory, settings: { autoStart: false } });
    await jobs.enqueue(URL_SOURCE);
    expect((await memory.list('outbox', {})).items).toEqual([]);
  });
});
