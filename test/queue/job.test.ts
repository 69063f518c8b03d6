import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { JobEvent } from '../../src/contracts/job.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { AbortedError, QueueError, StorageError, TimeoutError } from '../../src/errors/index.js';
import {
  createHarness,
  type Harness,
  type HarnessOptions,
  URL_SOURCE,
  unavailable,
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

async function collect(events: AsyncIterable<JobEvent>): Promise<string[]> {
  const types: string[] = [];
  for await (const event of events) {
    expect(event.status.state).toBe(event.type === 'progress' ? 'active' : event.type);
    types.push(event.type);
  }
  return types;
}

describe('result()', () => {
  it('answers many callers, before and after the end', async () => {
    const { jobs, call } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const waiting = [job.result(), job.result({}), job.result({ timeoutMs: 1000 })];
    (await call(0)).resolve();
    for (const transcript of await Promise.all(waiting)) expect(transcript.text).toBe('hello world');
    expect((await job.result({ timeoutMs: 1000 })).text).toBe('hello world');
    const again = await jobs.get(job.id);
    expect((await again?.result())?.id).toBe('tr_1');
  });

  it('ends with a TimeoutError while the job goes on', async () => {
    const { jobs, call, clock } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    const result = job.result({ timeoutMs: 500 }).catch((error: unknown) => error);
    await clock.advance(500);
    expect(await result).toBeInstanceOf(TimeoutError);
    expect(running.context.signal.aborted).toBe(false);
    running.resolve();
    expect(await job.result()).toMatchObject({ id: 'tr_1' });
  });

  it('ends at once when its signal aborts, also one that has', async () => {
    const { jobs, call } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const controller = new AbortController();
    const result = job.result({ signal: controller.signal, timeoutMs: 1000 });
    controller.abort();
    await expect(result).rejects.toMatchObject({ name: 'AbortedError', code: 'aborted' });
    await expect(job.result({ signal: controller.signal })).rejects.toBeInstanceOf(AbortedError);
    (await call(0)).resolve();
    expect(await job.result()).toMatchObject({ id: 'tr_1' });
  });

  it('says so where the transcript has been deleted', async () => {
    const { jobs, call, storage } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    (await call(0)).resolve();
    await job.result();
    await storage.delete('transcripts', 'tr_1');
    const error = await job.result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StorageError);
    expect(error).toMatchObject({ code: 'not_found' });
  });

  it('rejects where the storage cannot be read', async () => {
    const { jobs, call, failNext } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    (await call(0)).resolve();
    await job.result();
    failNext('get jobs');
    await expect(job.result()).rejects.toMatchObject({ code: 'storage_failed', retryable: true });
    failNext('get transcripts');
    await expect(job.result()).rejects.toMatchObject({ code: 'storage_failed' });
    failNext('get jobs');
    await expect(job.status()).rejects.toBeInstanceOf(StorageError);
  });
});

describe('events()', () => {
  it('begins with the present state and follows every change to the end', async () => {
    const { jobs, call, clock } = harness({ settings: { autoStart: false } });
    const job = await jobs.enqueue(URL_SOURCE);
    const all = collect(job.events());
    jobs.startWorker();
    (await call(0)).reject(unavailable());
    await clock.advance(10_000);
    const late = collect(job.events());
    (await call(1)).resolve();
    expect(await all).toEqual(['queued', 'active', 'queued', 'active', 'completed']);
    expect(await late).toEqual(['active', 'completed']);
    expect(await collect(job.events())).toEqual(['completed']);
  });

  it('tells a change once, also one that comes while the present state is read', async () => {
    const memory = createMemoryStorage();
    let gate: Promise<void> | undefined;
    const get: StorageAdapter['get'] = async (collection, id) => {
      await gate;
      return memory.get(collection, id);
    };
    const storage: StorageAdapter = Object.assign(Object.create(memory) as StorageAdapter, {
      capabilities: memory.capabilities,
      get,
      put: memory.put.bind(memory),
      delete: memory.delete.bind(memory),
    });
    const { jobs, call, eventsOf } = harness({ storage });
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    let release: () => void = () => undefined;
    gate = new Promise((resolve) => {
      release = resolve;
    });
    const all = collect(job.events());
    running.reject(unavailable());
    await vi.waitFor(() =>
      expect(eventsOf('job').map(({ state }) => state)).toEqual(['queued', 'active', 'queued']),
    );
    release();
    await vi.waitFor(async () => expect((await jobs.depth()).delayed).toBe(1));
    await job.cancel();
    expect(await all).toEqual(['queued', 'cancelled']);
  });

  it('ends after a failure and after a cancel', async () => {
    const { jobs, call } = harness({ settings: { attempts: 1 } });
    const failing = await jobs.enqueue(URL_SOURCE);
    const failure = collect(failing.events());
    (await call(0)).reject(unavailable());
    expect((await failure).at(-1)).toBe('failed');
    const cancelled = await jobs.enqueue(URL_SOURCE);
    const end = collect(cancelled.events());
    await cancelled.cancel();
    expect((await end).at(-1)).toBe('cancelled');
  });

  it('lets go when the reader leaves, also one that is waiting', async () => {
    const { jobs, call } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    await call(0);
    const iterator = job.events()[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ value: { type: 'active' } });
    const pending = iterator.next();
    await iterator.return?.();
    expect(await pending).toMatchObject({ done: true });
    for await (const event of job.events()) {
      expect(event.type).toBe('active');
      break;
    }
  });

  it('rejects for a job that has been removed', async () => {
    const { jobs } = harness({ settings: { autoStart: false } });
    const job = await jobs.enqueue(URL_SOURCE);
    await job.cancel();
    await jobs.remove(job.id);
    await expect(collect(job.events())).rejects.toBeInstanceOf(QueueError);
  });
});

describe('list()', () => {
  it('lists statuses newest first, by user and state, in pages', async () => {
    const { jobs, call } = harness({ settings: { concurrency: 1 } });
    const mine = await jobs.enqueue(urlSource('a'), { userId: 'me' });
    const other = await jobs.enqueue(urlSource('b'), { userId: 'you' });
    const last = await jobs.enqueue(urlSource('c'), { userId: 'me' });
    (await call(0)).resolve();
    await mine.result();
    await call(1);
    const ids = (page: { items: readonly { id: string }[] }) => page.items.map(({ id }) => id);
    expect(ids(await jobs.list())).toEqual([last.id, other.id, mine.id]);
    expect(ids(await jobs.list({ userId: 'me' }))).toEqual([last.id, mine.id]);
    expect(ids(await jobs.list({ state: 'active' }))).toEqual([other.id]);
    const page = await jobs.list({ limit: 2 });
    expect(ids(await jobs.list({ limit: 2, cursor: page.nextCursor ?? '' }))).toEqual([mine.id]);
    expect(page.items[0]).toMatchObject({ state: 'queued', priority: 0 });
    await expect(jobs.list({ cursor: 'nonsense' })).rejects.toBeInstanceOf(StorageError);
  });
});

describe('workers of the service', () => {
  it('refuses a second one, and a wrong concurrency', async () => {
    const { jobs } = harness({ settings: { autoStart: false } });
    expect(() => jobs.startWorker({ concurrency: 0 })).toThrow(
      /concurrency must be a whole number of 1 or more, and is 0/,
    );
    const worker = jobs.startWorker({ concurrency: 2 });
    expect(() => jobs.startWorker()).toThrow(QueueError);
    await worker.close({ timeoutMs: 0 });
    jobs.startWorker();
  });

  it('leaves an acknowledged job alone where the queue refuses a worker', async () => {
    const first = harness();
    const second = harness({ clock: first.clock, queue: first.queue });
    await first.jobs.enqueue(urlSource('first'));
    await expect(second.jobs.enqueue(urlSource('second'))).resolves.toBeDefined();
    expect(second.eventsOf('warning')).toMatchObject([{ code: 'worker-not-started' }]);
  });
});

describe('close()', () => {
  it('waits for active jobs and starts no others', async () => {
    const { jobs, call, calls, clock, stored } = harness({ settings: { concurrency: 1 } });
    const first = await jobs.enqueue(URL_SOURCE);
    const second = await jobs.enqueue(URL_SOURCE);
    const result = first.result();
    const pending = second.result().catch((error: unknown) => error);
    const running = await call(0);
    const closed = jobs.close({ timeoutMs: 10_000 });
    await clock.advance(9999);
    expect(running.context.signal.aborted).toBe(false);
    running.resolve();
    await closed;
    expect(await result).toMatchObject({ id: 'tr_1' });
    expect(await pending).toBeInstanceOf(AbortedError);
    expect(await pending).toMatchObject({ code: 'client_closed' });
    expect(calls).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
    expect(await stored(second.id)).toMatchObject({ state: 'queued', attempts: 0 });
  });

  it('aborts what is active at the deadline and queues it again in its record', async () => {
    const { jobs, call, clock, statesOf, stored } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    const events = collect(job.events()).catch((error: unknown) => error);
    const result = job.result().catch((error: unknown) => error);
    const closed = jobs.close({ timeoutMs: 10_000 });
    await clock.advance(10_000);
    await closed;
    expect(running.context.signal.reason).toMatchObject({ code: 'client_closed' });
    expect(await result).toMatchObject({ name: 'AbortedError', code: 'client_closed' });
    expect(await events).toMatchObject({ code: 'client_closed' });
    expect(await stored(job.id)).toMatchObject({ state: 'queued', attempts: 0 });
    expect(statesOf(job.id)).toEqual(['queued', 'active', 'queued']);
    running.resolve();
    await clock.advance(1000);
    expect(await stored(job.id)).toMatchObject({ state: 'queued' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses everything new, and may be called again', async () => {
    const { jobs, clock, stored } = harness();
    const job = await jobs.enqueue(URL_SOURCE, { delayMs: 1000 });
    await Promise.all([jobs.close({ timeoutMs: 5 }), jobs.close({ timeoutMs: 5 })]);
    expect(clock.pendingTimers).toBe(0);
    await expect(jobs.enqueue(URL_SOURCE)).rejects.toMatchObject({ code: 'client_closed' });
    await expect(jobs.retry(job.id)).rejects.toMatchObject({ code: 'client_closed' });
    await expect(job.result()).rejects.toMatchObject({ code: 'client_closed' });
    await expect(collect(job.events())).rejects.toMatchObject({ code: 'client_closed' });
    expect(() => jobs.startWorker()).toThrow(AbortedError);
    expect(await stored(job.id)).toMatchObject({ state: 'queued' });
  });

  it('is done before the deadline where nothing is active', async () => {
    const { jobs, clock, stored } = harness();
    const job = await jobs.enqueue(URL_SOURCE, { delayMs: 60_000 });
    await vi.waitFor(async () => expect((await jobs.depth()).delayed).toBe(1));
    await jobs.close({ timeoutMs: 10_000 });
    expect(clock.pendingTimers).toBe(0);
    expect(await stored(job.id)).toMatchObject({ state: 'queued' });
  });
});
