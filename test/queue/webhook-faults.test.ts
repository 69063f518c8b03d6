import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import { createSqliteStorage } from '../../src/adapters/sqlite/index.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { ManualClock } from '../support/manual-clock.js';
import { createHandQueue, createSharedStorage } from './hand-queue.js';
import { createHarness, type Harness, type HarnessOptions, URL_SOURCE } from './harness.js';

const SECRET = 'a text that nobody guesses, from a store';
const NOWHERE = 'http://127.0.0.1:9/hook';
// What a test waits for may have to be loaded first, on a machine that is busy.
vi.setConfig({ testTimeout: 20_000 });
const PATIENCE = { timeout: 10_000 };
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function harness(options: HarnessOptions = {}): Harness {
  const rig = createHarness({
    ...options,
    webhooks: { secret: SECRET, allow: ['127.0.0.1'], ...options.webhooks },
  });
  cleanUps.push(() => rig.jobs.close({ timeoutMs: 0 }));
  return rig;
}

async function sqlite(): Promise<StorageAdapter> {
  const folder = await mkdtemp(join(tmpdir(), 'webhooks-'));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  const storage = createSqliteStorage({ path: join(folder, 'r.db') });
  cleanUps.push(() => storage.close?.());
  return storage;
}

const left = (id: string, data: object = {}) => ({
  collection: 'webhooks' as const,
  id,
  status: 'pending',
  createdAt: '2026-01-01T00:00:00.000Z',
  data: {
    v: 1,
    webhook: { url: NOWHERE },
    jobId: 'job_1',
    type: 'transcription.completed',
    body: '{}',
    attemptsMade: 0,
    attempts: [],
    round: 0,
    nextAttemptAt: '2026-01-01T00:00:00.000Z',
    ...data,
  },
});

async function attemptsOf(storage: StorageAdapter, id: string): Promise<number | undefined> {
  const data = (await storage.get('webhooks', id))?.data as { attemptsMade: number } | undefined;
  return data?.attemptsMade;
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) await clock.advance(1000);
}

async function completeOne(rig: Harness, url = NOWHERE): Promise<void> {
  const count = rig.calls.length;
  const job = await rig.jobs.enqueue(URL_SOURCE, { webhook: { url } });
  (await rig.call(count)).resolve();
  await job.result();
}

describe('a message is sent', () => {
  it('although it could not be read at once', async () => {
    const rig = harness();
    rig.failNext('get webhooks', 2);
    await completeOne(rig);
    await pass(rig.clock, 3000);
    await vi.waitFor(() => expect(rig.eventsOf('webhook-delivery')).toHaveLength(1), PATIENCE);
    expect(rig.eventsOf('storage-failure')).toHaveLength(2);
  });

  it('although the list of what an earlier process has left failed at first', async () => {
    const clock = new ManualClock();
    const storage = await sqlite();
    await storage.put(left('msg_1'));
    let lists = 0;
    const flaky: StorageAdapter = {
      ...storage,
      list: (collection, query) => {
        if (collection === 'webhooks') lists += 1;
        const isDown = collection === 'webhooks' && lists <= 2;
        return isDown ? Promise.reject(new Error('busy')) : storage.list(collection, query);
      },
    };
    const queue = createMemoryQueue({ clock });
    const rig = harness({ whole: true, clock, storage: flaky, queue, settings: { autoStart: false } });
    rig.jobs.startWorker();
    await pass(clock, 11_000);
    await vi.waitFor(async () => expect(await attemptsOf(storage, 'msg_1')).toBeGreaterThan(0), PATIENCE);
    await pass(clock, 20_000);
    expect(lists).toBe(3);
  });

  it('although another one is of a version that is not known', async () => {
    const clock = new ManualClock();
    const storage = await sqlite();
    await storage.put(left('msg_1'));
    await storage.put(left('msg_new', { v: 2 }));
    const queue = createMemoryQueue({ clock });
    const rig = harness({ whole: true, clock, storage, queue, settings: { autoStart: false } });
    rig.jobs.startWorker();
    await vi.waitFor(async () => expect(await attemptsOf(storage, 'msg_1')).toBe(1), PATIENCE);
    expect((await rig.jobs.webhooks.list()).items).toMatchObject([{ id: 'msg_1' }]);
    await expect(rig.jobs.webhooks.get('msg_new')).rejects.toMatchObject({ code: 'storage_schema' });
  });

  it('again and again, where the function of secrets never answers', async () => {
    let asked = 0;
    const secret = () => {
      asked += 1;
      return new Promise<never>(() => undefined);
    };
    const rig = harness({ webhooks: { concurrency: 1, secret, timeoutMs: 2000 } });
    await completeOne(rig);
    await completeOne(rig);
    await vi.waitFor(() => expect(asked).toBe(1), PATIENCE);
    await pass(rig.clock, 3000);
    await vi.waitFor(() => expect(asked).toBe(2), PATIENCE);
    expect(rig.eventsOf('warning')).toMatchObject([{ code: 'webhook-not-signed' }]);
    expect((await rig.jobs.webhooks.list()).items[1]?.attempts).toMatchObject([{ code: 'not_sent' }]);
  });

  it('by the second worker of a client, where the queue has lost it', async () => {
    const clock = new ManualClock();
    const storage = createSharedStorage();
    const hand = createHandQueue();
    const rig = harness({ whole: true, clock, storage, queue: hand.queue, settings: { autoStart: false } });
    const asked: (readonly string[])[] = [];
    Object.assign(rig.webhookQueue, {
      missing: async (ids: readonly string[]) => {
        asked.push(ids);
        return ids;
      },
    });
    const first = rig.jobs.startWorker();
    await first.close({ timeoutMs: 0 });
    await storage.put(left('msg_1'));
    rig.jobs.startWorker();
    // It might be new, at first.
    await pass(clock, 11_000);
    await vi.waitFor(async () => expect(await attemptsOf(storage, 'msg_1')).toBeGreaterThan(0), PATIENCE);
    expect(asked[0]).toEqual(['msg_1']);
  });
});

describe('the close of a worker', () => {
  it('gives back the attempt of a message that it has ended', async () => {
    let requests = 0;
    const receiver = createServer(() => {
      requests += 1;
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => receiver.once('listening', resolve));
    cleanUps.push(
      () => receiver.close(),
      () => receiver.closeAllConnections(),
    );
    const { port } = receiver.address() as AddressInfo;
    const storage = createMemoryStorage();
    const rig = harness({ whole: true, storage });
    await completeOne(rig, `http://127.0.0.1:${port}/`);
    await vi.waitFor(() => expect(requests).toBe(1), PATIENCE);
    const [message] = (await rig.jobs.webhooks.list()).items;
    expect(await attemptsOf(storage, message?.id ?? '')).toBe(1);
    await rig.jobs.close({ timeoutMs: 0 });
    await vi.waitFor(async () => expect(await attemptsOf(storage, message?.id ?? '')).toBe(0), PATIENCE);
    expect(await storage.get('webhooks', message?.id ?? '')).toMatchObject({ status: 'pending' });
  });

  it('is done in its time although the search for lost messages hangs', async () => {
    const clock = new ManualClock();
    const shared = createSharedStorage();
    const storage: StorageAdapter = {
      ...shared,
      list: (collection, query) =>
        collection === 'webhooks' ? new Promise(() => undefined) : shared.list(collection, query),
    };
    const rig = createHarness({ whole: true, clock, storage, queue: createHandQueue().queue });
    Object.assign(rig.webhookQueue, { missing: async () => [] });
    rig.jobs.startWorker();
    await clock.advance(0);
    let isClosed = false;
    const closed = rig.jobs.close({ timeoutMs: 1000 }).then(() => {
      isClosed = true;
    });
    await clock.advance(999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    await closed;
    // Nobody waits for the storage any more.
    await clock.advance(59_000);
    expect(clock.pendingTimers).toBe(0);
  });
});
