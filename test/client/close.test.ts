import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { TranscriptionClient } from 'transcription-client';
import { createSqliteStorage } from 'transcription-client/sqlite';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import type { AudioStore } from '../../src/contracts/audio-store.js';
import type { QueueAdapter } from '../../src/contracts/queue.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { failureOf } from '../support/client.js';

const URL = 'https://example.com/a.wav';
const closedError = { name: 'AbortedError', code: 'client_closed' };
const never = () => new Promise<never>(() => undefined);
// What a test waits for may have to be loaded first, on a machine that is busy.
vi.setConfig({ testTimeout: 20_000 });
const PATIENCE = { timeout: 10_000 };
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function withAdd(add: QueueAdapter['add']): QueueAdapter {
  const memory = createMemoryQueue();
  return {
    capabilities: memory.capabilities,
    add,
    cancel: (id) => memory.cancel(id),
    startWorker: (...args) => memory.startWorker(...args),
    depth: () => memory.depth(),
    close: () => memory.close(),
  };
}

async function sqlite(): Promise<StorageAdapter> {
  const folder = await mkdtemp(join(tmpdir(), 'close-'));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  const storage = createSqliteStorage({ path: join(folder, 'r.db') });
  cleanUps.push(() => storage.close?.());
  return storage;
}

const CALLS = {
  enqueue: (client: TranscriptionClient) => client.enqueue(URL),
  enqueueMany: (client: TranscriptionClient) => client.enqueueMany([{ source: URL }]),
  submit: (client: TranscriptionClient) => client.submit(URL, { mode: 'async' }),
};

describe('a close is done in its time', () => {
  it.each(Object.entries(CALLS))('although the queue never answers %s()', async (_name, call) => {
    const add = vi.fn(never);
    const adapter = withAdd(add);
    const storage = await sqlite();
    const client = new TranscriptionClient({ apiKey: 'test', storage, queue: { adapter, autoStart: false } });
    const failed = failureOf(call(client));
    await vi.waitFor(() => expect(add).toHaveBeenCalled(), PATIENCE);
    await client.close({ timeoutMs: 100 });
    expect(await failed).toMatchObject(closedError);
  });

  it('although the storage never takes back what the queue has refused', async () => {
    const storage = await sqlite();
    const { transact } = storage;
    const transactions = vi.fn((changes: Parameters<NonNullable<typeof transact>>[0]) =>
      transactions.mock.calls.length > 1 ? never() : (transact?.(changes) as Promise<boolean>),
    );
    const client = new TranscriptionClient({
      apiKey: 'test',
      storage: { ...storage, transact: transactions },
      queue: { adapter: withAdd(() => Promise.reject(new Error('down'))), autoStart: false },
    });
    const failed = failureOf(client.enqueue(URL));
    await vi.waitFor(() => expect(transactions.mock.calls.length).toBeGreaterThan(1), PATIENCE);
    await client.close({ timeoutMs: 100 });
    expect(await failed).toMatchObject(closedError);
  });

  it('although the audio store never takes the audio, whose stream is let go of', async () => {
    const put = vi.fn(never);
    const audioStore = {
      capabilities: { shared: true, durable: true },
      put,
      open: never,
      delete: async () => true,
    } satisfies AudioStore;
    const client = new TranscriptionClient({ apiKey: 'test', audioStore, queue: { autoStart: false } });
    const source = new PassThrough();
    const failed = failureOf(client.enqueue(source));
    await vi.waitFor(() => expect(put).toHaveBeenCalled(), PATIENCE);
    await client.close({ timeoutMs: 100 });
    expect(await failed).toMatchObject(closedError);
    await vi.waitFor(() => expect(source.destroyed).toBe(true), PATIENCE);
  });
});
