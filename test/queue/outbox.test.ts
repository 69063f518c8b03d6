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
import {
  createHarness,
  createTranscript,
  type Harness,
  type HarnessOptions,
  URL_SOURCE,
  urlSource,
} from './harness.js';

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

describe('a worker that lost its job to another one', () => {
  it('stores no transcript, and does not complete the job again', async () => {
    const outcomes: boolean[] = [];
    const transact: StorageAdapter['transact'] = async (changes) => {
      const isDone = (await storage.transact?.(changes)) ?? false;
      if (changes.some((change) => change.type === 'put' && change.record.collection === 'transcripts')) {
        outcomes.push(isDone);
      }
      return isDone;
    };
    const stale = harness({ storage: { ...storage, transact }, settings: { autoStart: false } });
    const { id } = await stale.jobs.enqueue(URL_SOURCE);
    stale.jobs.startWorker();
    const late = await stale.call(0);
    // Its queue gives the entry to another worker, as after a lease that ran out.
    const queue = createMemoryQueue({ clock });
    await queue.add([{ id, priority: 0, delayMs: 0 }]);
    const other = harness({ queue, settings: { autoStart: false } });
    other.jobs.startWorker();
    const next = await other.call(0);
    next.resolve(createTranscript('tr_next'));
    await vi.waitFor(async () => expect((await storage.get('jobs', id))?.status).toBe('completed'));
    late.resolve(createTranscript('tr_late'));
    await vi.waitFor(() => expect(outcomes).toHaveLength(1));
    expect((await storage.list('transcripts', {})).items.map((item) => item.id)).toEqual(['tr_next']);
    expect(outcomes).toEqual([false]);
    expect((await storage.get('jobs', id))?.data).toMatchObject({ transcriptId: 'tr_next' });
  });
});

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
    await vi.waitFor(async () => expect(await pending()).toBe(1));
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

  it('is not held up by a record that cannot be read', async () => {
    const dying = harness({ queue: dyingQueue(), settings: { autoStart: false } });
    void dying.jobs.enqueue(URL_SOURCE).catch(() => undefined);
    await vi.waitFor(async () => expect(await pending()).toBe(1));
    const createdAt = new Date(clock.wallMs() + 1000).toISOString();
    for (const collection of ['jobs', 'outbox'] as const) {
      await storage.put({ collection, id: 'job_newer', status: 'queued', createdAt, data: { v: 2 } });
    }
    const living = harness({ answer: (call) => call.resolve(), settings: { autoStart: false } });
    living.jobs.startWorker();
    await clock.advance(80_000);
    await vi.waitFor(() => expect(living.calls).toHaveLength(1));
    await vi.waitFor(async () => expect(await pending()).toBe(1));
  });

  it('reads, and does not spin, where nothing can be written', async () => {
    for (let index = 0; index < 101; index += 1) {
      const createdAt = new Date(clock.wallMs()).toISOString();
      const record = { id: `job_${index}`, status: 'pending', createdAt, data: { v: 1 } };
      await storage.put({ collection: 'outbox', ...record });
    }
    let lists = 0;
    const readOnly: StorageAdapter = {
      ...storage,
      list(collection, query) {
        if (collection === 'outbox') lists += 1;
        return storage.list(collection, query);
      },
      transact: () => Promise.reject(new Error('read-only')),
    };
    const { jobs } = harness({ storage: readOnly, settings: { autoStart: false } });
    const worker = jobs.startWorker();
    await clock.advance(100_000);
    // Two pages each time.
    expect(lists).toBeLessThanOrEqual(2 * 11);
    await worker.close();
    const atClose = lists;
    await clock.advance(100_000);
    expect(lists).toBe(atClose);
  });

  it('lets no other process run a job that waits here, though its record could not be deleted', async () => {
    let isBroken = true;
    const transact: StorageAdapter['transact'] = async (changes) => {
      const isSettling = changes.every((change) => change.type === 'delete');
      if (isSettling && isBroken) throw new Error('the connection broke');
      return storage.transact?.(changes) ?? false;
    };
    const here = harness({ storage: { ...storage, transact }, settings: { concurrency: 1 } });
    const [running, waiting] = await here.jobs.enqueueMany(
      [urlSource('a'), urlSource('b')].map((source) => ({ source, options: {} })),
    );
    const there = harness({ settings: { autoStart: false } });
    there.jobs.startWorker();
    await vi.waitFor(() => expect(here.calls).toHaveLength(1));
    await clock.advance(90_000);
    await vi.waitFor(() => expect(there.calls).toHaveLength(1));
    isBroken = false;
    there.calls[0]?.resolve();
    here.calls[0]?.resolve();
    await vi.waitFor(async () => expect(await waiting?.status()).toMatchObject({ state: 'completed' }));
    await vi.waitFor(async () => expect(await running?.status()).toMatchObject({ state: 'completed' }));
    await clock.advance(30_000);
    expect([...here.calls, ...there.calls]).toHaveLength(2);
    await vi.waitFor(async () => expect(await pending()).toBe(0));
  });

  it('keeps a job that the queue refused and the storage could not remove: it is acknowledged', async () => {
    let isBroken = true;
    const queue = createMemoryQueue({ clock });
    const refusing: QueueAdapter = {
      ...dyingQueue(),
      add: (entries) => (isBroken ? Promise.reject(new Error('no')) : queue.add(entries)),
      startWorker: (...args) => queue.startWorker(...args),
      close: () => queue.close(),
    };
    const transact: StorageAdapter['transact'] = async (changes) => {
      if (isBroken && changes[0]?.type === 'delete') throw new Error('the connection broke');
      return storage.transact?.(changes) ?? false;
    };
    const { jobs, calls, statesOf } = harness({
      storage: { ...storage, transact },
      queue: refusing,
      answer: (call) => call.resolve(),
    });
    const job = await jobs.enqueue(URL_SOURCE);
    expect(statesOf(job.id)).toEqual(['queued']);
    isBroken = false;
    await clock.advance(80_000);
    expect((await job.result()).text).toBe('hello world');
    expect(calls).toHaveLength(1);
  });

  it('refuses a job that the queue refused and the storage has removed', async () => {
    const queue = { ...dyingQueue(), add: () => Promise.reject(new Error('no')) };
    const { jobs } = harness({ queue });
    await expect(jobs.enqueue(URL_SOURCE)).rejects.toMatchObject({ code: 'queue_failed' });
    expect(await pending()).toBe(0);
    expect((await storage.list('jobs', {})).items).toEqual([]);
  });

  it('holds a job that is retried until the queue has it', async () => {
    const { jobs } = harness({ settings: { autoStart: false } });
    const { id } = await jobs.enqueue(URL_SOURCE);
    await jobs.cancel(id);
    await vi.waitFor(async () => expect(await pending()).toBe(0));
    const dying = harness({ queue: dyingQueue(), settings: { autoStart: false } });
    void dying.jobs.retry(id).catch(() => undefined);
    await vi.waitFor(async () => expect(await pending()).toBe(1));
    const living = harness({ answer: (call) => call.resolve(), settings: { autoStart: false } });
    living.jobs.startWorker();
    await clock.advance(80_000);
    await vi.waitFor(() => expect(living.calls).toHaveLength(1));
  });

  it('is settled after the call: a storage that hangs then does not hold it', async () => {
    let answer: (isDone: boolean) => void = () => undefined;
    const late = new Promise<boolean>((resolve) => {
      answer = resolve;
    });
    const transact: StorageAdapter['transact'] = (changes) =>
      changes[0]?.type === 'delete' ? late : (storage.transact?.(changes) as never);
    const { jobs } = harness({ storage: { ...storage, transact }, settings: { autoStart: false } });
    const { id } = await jobs.enqueue(URL_SOURCE);
    expect((await storage.get('jobs', id))?.status).toBe('queued');
    answer(true);
  });

  it('is left out where the storage ends with the process', async () => {
    const memory = createMemoryStorage();
    const { jobs } = harness({ storage: memory, settings: { autoStart: false } });
    await jobs.enqueue(URL_SOURCE);
    expect((await memory.list('outbox', {})).items).toEqual([]);
  });
});
