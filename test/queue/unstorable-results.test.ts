import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { createSqliteStorage } from '../../src/adapters/sqlite/index.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { StorageError } from '../../src/errors/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { createHandQueue, createSharedStorage } from './hand-queue.js';
import { createHarness, createTranscript, type Harness, type HarnessOptions, URL_SOURCE } from './harness.js';

const MAX_BYTES = 3000;

const open: Harness[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const { jobs } of open.splice(0)) await jobs.close({ timeoutMs: 0 });
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

function harness(options: HarnessOptions): Harness {
  const created = createHarness({ whole: true, ...options });
  open.push(created);
  return created;
}

async function smallStorage(): Promise<StorageAdapter> {
  const folder = await mkdtemp(join(tmpdir(), 'unstorable-'));
  folders.push(folder);
  return createSqliteStorage({ path: join(folder, 'records.db'), maxRecordBytes: MAX_BYTES });
}

const tooLong = () => ({ ...createTranscript('tr_long'), text: 'long '.repeat(MAX_BYTES / 5) });

describe('a transcript that the storage never takes', () => {
  it('fails its job, on a queue in the process', async () => {
    const clock = new ManualClock();
    const rig = harness({ clock, storage: await smallStorage(), queue: createMemoryQueue({ clock }) });
    const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
    (await rig.call(0)).resolve(tooLong());
    await vi.waitFor(async () => {
      await clock.advance(100);
      expect(await rig.queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
    });
    expect(await rig.stored(job?.id ?? '')).toMatchObject({
      state: 'failed',
      error: { code: 'record_too_large', requestId: 'request-tr_long', attempt: 1 },
    });
    await expect(job?.result()).rejects.toMatchObject({ code: 'record_too_large' });
    expect(await rig.stored(job?.id ?? '')).not.toHaveProperty('transcriptId');
    expect(rig.calls).toHaveLength(1);
  });

  it('fails its job and frees the worker, on a queue of several processes', async () => {
    const hand = createHandQueue();
    const rig = harness({ storage: await smallStorage(), queue: hand.queue });
    rig.jobs.startWorker();
    const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
    const [entry] = hand.added;
    const run = entry && hand.state.handler?.(entry, new AbortController().signal);
    (await rig.call(0)).resolve(tooLong());
    await vi.waitFor(async () => {
      await rig.clock.advance(100);
      expect(await Promise.race([run, 'runs'])).toEqual({ type: 'done' });
    });
    expect(await rig.stored(job?.id ?? '')).toMatchObject({ state: 'failed' });
  });

  it('fails its job where transcripts are stored first', async () => {
    const storage = createSharedStorage();
    const full: StorageAdapter = {
      capabilities: storage.capabilities,
      get: (...args) => storage.get(...args),
      list: (...args) => storage.list(...args),
      delete: (...args) => storage.delete(...args),
      put: (record, condition) =>
        record.collection === 'transcripts'
          ? Promise.reject(new StorageError('too large', { code: 'record_too_large' }))
          : storage.put(record, condition),
    };
    const rig = harness({ storage: full });
    const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
    (await rig.call(0)).resolve();
    await rig.clock.advance(1000);
    await expect(job?.result()).rejects.toMatchObject({ code: 'record_too_large' });
    expect(await rig.stored(job?.id ?? '')).toMatchObject({ state: 'failed' });
  });
});

it('a job that has no room for its attempt fails, without its metadata', async () => {
  const clock = new ManualClock();
  const rig = harness({ clock, storage: await smallStorage() });
  let id: string | undefined;
  for (let size = MAX_BYTES; id === undefined; size -= 1) {
    const options = { metadata: { text: 'x'.repeat(size) } };
    const jobs = await rig.jobs.enqueueMany([{ source: URL_SOURCE, options }]).catch(() => []);
    id = jobs[0]?.id;
  }
  const jobId = id;
  await vi.waitFor(async () => {
    await clock.advance(100);
    expect(await rig.stored(jobId)).toMatchObject({ state: 'failed', error: { code: 'record_too_large' } });
  });
  expect(await rig.queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
  expect(rig.calls).toEqual([]);
});

describe('where not even the failure is taken', () => {
  const refuse = () => Promise.reject(new StorageError('too large', { code: 'record_too_large' }));

  it('the worker is free, and the entry comes up seldom', async () => {
    const storage = createSharedStorage();
    let isFull = false;
    const full: StorageAdapter = {
      ...storage,
      put: (...args) => (isFull ? refuse() : storage.put(...args)),
      transact: (changes) =>
        isFull ? refuse() : (storage.transact as NonNullable<StorageAdapter['transact']>)(changes),
    };
    const hand = createHandQueue();
    const rig = harness({ storage: full, queue: hand.queue });
    rig.jobs.startWorker();
    await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]);
    const [entry] = hand.added;
    const run = entry && hand.state.handler?.(entry, new AbortController().signal);
    const call = await rig.call(0);
    isFull = true;
    call.resolve();
    await vi.waitFor(async () => {
      await rig.clock.advance(100);
      expect(await Promise.race([run, 'runs'])).toEqual({ type: 'again', delayMs: 300_000 });
    });
  });

  it('a storage that can be put right keeps the result waiting', async () => {
    const storage = createSharedStorage();
    let isReadOnly = false;
    const readOnly = () => Promise.reject(new StorageError('read-only', { code: 'storage_read_only' }));
    const rig = harness({
      storage: {
        ...storage,
        put: (...args) => (isReadOnly ? readOnly() : storage.put(...args)),
        transact: (changes) =>
          isReadOnly ? readOnly() : (storage.transact as NonNullable<StorageAdapter['transact']>)(changes),
      },
    });
    const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
    const call = await rig.call(0);
    isReadOnly = true;
    call.resolve();
    await rig.clock.advance(20_000);
    isReadOnly = false;
    await vi.waitFor(async () => {
      await rig.clock.advance(1000);
      expect(await rig.stored(job?.id ?? '')).toMatchObject({ state: 'completed', transcriptId: 'tr_1' });
    });
    expect(rig.calls).toHaveLength(1);
  });
});
