import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import { resolveSource } from '../../src/audio/resolve.js';
import type { EnqueueOptions } from '../../src/contracts/call-options.js';
import type { QueueAdapter } from '../../src/contracts/queue.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import {
  AbortedError,
  BadRequestError,
  QueueError,
  StorageError,
  UnsupportedSourceError,
} from '../../src/errors/index.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  createHarness,
  type Harness,
  type HarnessOptions,
  URL_SOURCE,
  upload,
  urlSource,
} from './harness.js';

const open: Harness[] = [];

function harness(options?: HarnessOptions): Harness {
  const created = createHarness(options);
  open.push(created);
  return created;
}

afterEach(async () => {
  for (const { jobs, clock } of open.splice(0)) {
    await jobs.close({ timeoutMs: 0 });
    expect(clock.pendingTimers).toBe(0);
  }
});

describe('enqueue', () => {
  it('stores a record of plain data before it acknowledges', async () => {
    const { jobs, storage } = harness({ settings: { autoStart: false } });
    const job = await jobs.enqueue(URL_SOURCE, {
      model: 'nova-3',
      smart_format: true,
      userId: 'u1',
      metadata: { order: 7 },
      priority: 2,
      delayMs: 1000,
      region: 'eu',
      timeoutMs: 5000,
      signal: new AbortController().signal,
    });
    const record = await storage.get('jobs', job.id);
    expect(record).toEqual({
      collection: 'jobs',
      id: job.id,
      userId: 'u1',
      status: 'queued',
      createdAt: '2026-01-01T00:00:00.000Z',
      version: 1,
      data: {
        v: 1,
        state: 'queued',
        source: URL_SOURCE,
        options: { model: 'nova-3', smart_format: true },
        region: 'eu',
        timeoutMs: 5000,
        metadata: { order: 7 },
        priority: 2,
        maxAttempts: 3,
        attempts: 0,
        rateLimited: 0,
        round: 0,
        runAt: '2026-01-01T00:00:01.000Z',
        delayMs: 1000,
      },
    });
  });

  it.each<[EnqueueOptions, RegExp]>([
    [{ priority: -1 }, /priority must be a whole number from 0 to 2097152, and is -1\./],
    [{ priority: 1.5 }, /priority .* is 1\.5\./],
    [{ priority: Number.NaN }, /priority .* is NaN\./],
    [{ attempts: 0 }, /attempts must be a whole number of 1 or more, and is 0\./],
    [{ delayMs: -5 }, /delayMs must be a number of 0 or more, and is -5\./],
    [{ delayMs: Number.POSITIVE_INFINITY }, /delayMs .* is Infinity\./],
    [{ timeoutMs: 0 }, /timeoutMs must be a whole number of 1 or more, and is 0\./],
    [{ priority: '1' as unknown as number }, /priority .* is '1'\./],
    [{ store: false }, /store must not be false/],
    [{ metadata: { big: 1n } }, /metadata\.big must be plain JSON data/],
    [{ metadata: { at: new Date(0) } }, /metadata\.at must be plain JSON data/],
    [
      { metadata: [] as unknown as Record<string, unknown> },
      /metadata must be a plain object, and is an empty array/,
    ],
  ])('refuses %o before anything is stored', async (options, message) => {
    const { jobs, storage, events } = harness();
    const error = await jobs.enqueue(URL_SOURCE, options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringMatching(message) });
    expect((await storage.list('jobs', {})).items).toEqual([]);
    expect(events).toEqual([]);
  });

  it('refuses a one-shot stream and says what to use', async () => {
    const { jobs, storage } = harness();
    const error = await jobs.enqueue(upload('stream', false)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnsupportedSourceError);
    expect(String(error)).toMatch(/fromStream\(.*fromFile\(/);
    expect((await storage.list('jobs', {})).items).toEqual([]);
  });

  it.each([
    ['no bytes', new Uint8Array(0)],
    ['an empty Blob', new Blob([])],
  ])('refuses %s before anything is stored', async (_name, audio) => {
    const { jobs, storage, events } = harness();
    const items = [URL_SOURCE, resolveSource(audio)].map((source) => ({ source, options: {} }));
    const error = await jobs.enqueueMany(items).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnsupportedSourceError);
    expect(error).toMatchObject({ code: 'empty_source', message: expect.stringContaining('0 bytes') });
    expect((await storage.list('jobs', {})).items).toEqual([]);
    expect(events).toEqual([]);
  });

  it('hands local audio to the worker of this process, and keeps it out of the record', async () => {
    const { jobs, storage, call } = harness();
    const audio = upload('bytes');
    const job = await jobs.enqueue(audio);
    expect((await call(0)).source).toMatchObject({ kind: 'bytes', label: 'some bytes' });
    expect((await storage.get('jobs', job.id))?.data).toMatchObject({
      source: { kind: 'local', audio: 'bytes', label: 'some bytes' },
    });
  });

  it('takes a snapshot of the options', async () => {
    const { jobs, call } = harness();
    const metadata = { name: 'before' };
    const enqueued = jobs.enqueue(URL_SOURCE, { metadata, keyterm: ['one'] });
    metadata.name = 'after';
    await enqueued;
    expect((await call(0)).options).toEqual({ metadata: { name: 'before' }, keyterm: ['one'], priority: 0 });
  });

  it('takes many in one step, in their order', async () => {
    const { jobs, calls, call } = harness({ settings: { concurrency: 200 } });
    const items = Array.from({ length: 120 }, (_, index) => ({
      source: urlSource(String(index)),
      options: {},
    }));
    const created = await jobs.enqueueMany(items);
    expect(new Set(created.map(({ id }) => id)).size).toBe(120);
    await call(119);
    expect(calls.map(({ source }) => source.label)).toEqual(items.map(({ source }) => source.label));
  });

  it('takes none of many where one is refused', async () => {
    const { jobs, storage } = harness();
    const items = [
      { source: URL_SOURCE, options: {} },
      { source: URL_SOURCE, options: { attempts: -1 } },
    ];
    await expect(jobs.enqueueMany(items)).rejects.toThrow(/attempts/);
    expect((await storage.list('jobs', {})).items).toEqual([]);
  });

  it('removes all of many where the storage refuses one', async () => {
    const { jobs, storage, failNext, events } = harness();
    failNext('put jobs');
    const items = [1, 2, 3].map(() => ({ source: URL_SOURCE, options: {} }));
    await expect(jobs.enqueueMany(items)).rejects.toBeInstanceOf(StorageError);
    expect((await storage.list('jobs', {})).items).toEqual([]);
    expect(events.map(({ type }) => type)).toEqual(['storage-failure']);
  });
});

describe('enqueue against failing parts', () => {
  it('rejects with a StorageError, and removes a record whose answer was lost', async () => {
    const { jobs, storage, failNext, eventsOf, queue } = harness();
    failNext('put jobs', 1, true);
    await expect(jobs.enqueue(URL_SOURCE)).rejects.toMatchObject({
      name: 'StorageError',
      code: 'storage_failed',
    });
    expect((await storage.list('jobs', {})).items).toEqual([]);
    expect(await queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
    expect(eventsOf('storage-failure')).toMatchObject([{ operation: 'put', collection: 'jobs' }]);
  });

  it('rejects with a QueueError where the queue refuses, and removes the record', async () => {
    const clock = new ManualClock();
    const queue = withAdd(createMemoryQueue({ clock }), async () => {
      throw new Error('queue down');
    });
    const { jobs, storage, eventsOf } = harness({ clock, queue });
    await expect(jobs.enqueue(URL_SOURCE)).rejects.toMatchObject({
      name: 'QueueError',
      code: 'queue_failed',
    });
    expect((await storage.list('jobs', {})).items).toEqual([]);
    expect(eventsOf('job').map(({ state }) => state)).toEqual(['queued', 'failed']);
  });

  it('acknowledges a job that a queue began although its answer was lost', async () => {
    const clock = new ManualClock();
    const memory = createMemoryQueue({ clock });
    let answered: () => void = () => undefined;
    const queue = withAdd(memory, async (entries) => {
      await memory.add(entries);
      await new Promise<void>((resolve) => {
        answered = resolve;
      });
      throw new Error('the answer was lost');
    });
    const { jobs, call } = harness({ clock, queue, settings: { autoStart: false } });
    jobs.startWorker();
    const enqueued = jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    answered();
    const job = await enqueued;
    running.resolve();
    expect(await job.result()).toMatchObject({ id: 'tr_1' });
  });

  it('ends the call, not an acknowledged job, when the signal aborts', async () => {
    const { jobs, storage, call } = harness();
    const late = new AbortController();
    const job = await jobs.enqueue(URL_SOURCE, { signal: late.signal });
    late.abort();
    (await call(0)).resolve();
    await job.result();

    const early = new AbortController();
    early.abort();
    await expect(jobs.enqueue(URL_SOURCE, { signal: early.signal })).rejects.toBeInstanceOf(AbortedError);
    expect((await storage.list('jobs', {})).items).toHaveLength(1);
  });

  it('removes a record that lands after the abort', async () => {
    const memory = createMemoryStorage();
    let write: (() => void) | undefined;
    const storage: StorageAdapter = {
      capabilities: memory.capabilities,
      get: (collection, id) => memory.get(collection, id),
      list: (collection, query) => memory.list(collection, query),
      delete: (collection, id, condition) => memory.delete(collection, id, condition),
      put: async (record, condition) => {
        await new Promise<void>((resolve) => {
          write = resolve;
        });
        return memory.put(record, condition);
      },
    };
    const { jobs } = harness({ storage });
    const controller = new AbortController();
    const enqueued = jobs.enqueue(URL_SOURCE, { signal: controller.signal });
    await vi.waitFor(() => expect(write).toBeDefined());
    controller.abort();
    await expect(enqueued).rejects.toMatchObject({ name: 'AbortedError', code: 'aborted' });
    const removed = vi.spyOn(memory, 'delete');
    write?.();
    await vi.waitFor(() => expect(removed).toHaveBeenCalled());
    expect((await memory.list('jobs', {})).items).toEqual([]);
  });
});

describe('a distributed queue', () => {
  const distributed = (): QueueAdapter => {
    const queue = createMemoryQueue({ clock: new ManualClock() });
    return Object.assign(Object.create(queue) as QueueAdapter, {
      ...bound(queue),
      capabilities: { distributed: true, durable: true },
    });
  };

  it('needs a shared storage', () => {
    expect(() => createHarness({ queue: distributed() })).toThrow(QueueError);
    expect(() => createHarness({ queue: distributed() })).toThrow(/shared storage/);
  });

  it('needs audio that has a URL', async () => {
    const memory = createMemoryStorage();
    const storage = { ...bound(memory), capabilities: { shared: true, durable: true, atomic: true } };
    const { jobs } = harness({ queue: distributed(), storage });
    const error = await jobs.enqueue(upload('file')).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(QueueError);
    expect(String(error)).toMatch(/pass its URL/);
    await expect(jobs.enqueue(URL_SOURCE)).resolves.toMatchObject({ id: expect.stringMatching(/^job_/) });
  });
});

/** The methods of an adapter as an object of its own. */
function bound<Adapter extends QueueAdapter | StorageAdapter>(adapter: Adapter): Adapter {
  const names = ['add', 'cancel', 'startWorker', 'depth', 'get', 'put', 'list', 'delete', 'close'];
  const methods = names.flatMap((name) => {
    const method = (adapter as unknown as Record<string, unknown>)[name];
    return typeof method === 'function' ? [[name, method.bind(adapter)]] : [];
  });
  return Object.fromEntries(methods) as Adapter;
}

function withAdd(queue: QueueAdapter, add: QueueAdapter['add']): QueueAdapter {
  return { ...bound(queue), capabilities: queue.capabilities, add };
}
