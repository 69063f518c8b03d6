import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { EntryOutcome, QueueEntry } from '../../src/contracts/queue.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { AbortedError, QueueError } from '../../src/errors/index.js';
import { createHandQueue, createSharedStorage } from './hand-queue.js';
import { createHarness, createTranscript, type Harness, type HarnessOptions, URL_SOURCE } from './harness.js';

const leaseLost = () => new QueueError('lost', { code: 'lease_lost' });
const closed = () => new AbortedError('closed', { code: 'client_closed' });
const cancelled = () => new AbortedError('cancelled', { code: 'job_cancelled' });

const open: Harness[] = [];

/** A worker whose entries the test runs by hand. */
function createWorker(options: HarnessOptions) {
  const hand = createHandQueue();
  const rig = createHarness({ whole: true, queue: hand.queue, ...options });
  open.push(rig);
  rig.jobs.startWorker();
  const run = (
    entry: QueueEntry | undefined,
    signal = new AbortController().signal,
  ): Promise<EntryOutcome> => {
    if (entry === undefined || hand.state.handler === undefined) throw new Error('there is nothing to run');
    return hand.state.handler(entry, signal);
  };
  return { ...rig, added: hand.added, run };
}

afterEach(async () => {
  for (const { jobs } of open.splice(0)) await jobs.close({ timeoutMs: 0 });
});

/** A storage whose reads or writes of jobs wait while it is closed. */
function gated(storage: StorageAdapter, operation: 'get' | 'put') {
  let gate: Promise<void> | undefined;
  let release: () => void = () => undefined;
  let waiting = 0;
  const pass = async <Value>(of: 'get' | 'put', act: () => Promise<Value>): Promise<Value> => {
    if (of !== operation || gate === undefined) return act();
    // A write lands, and its answer is late; a read is late.
    const landed = of === 'put' ? await act() : undefined;
    waiting += 1;
    await gate;
    return landed ?? act();
  };
  return {
    close: () => {
      gate = new Promise((resolve) => {
        release = resolve;
      });
    },
    open: () => {
      gate = undefined;
      release();
    },
    reached: () => vi.waitFor(() => expect(waiting).toBeGreaterThan(0)),
    storage: {
      ...storage,
      get: (collection, id) => pass('get', () => storage.get(collection, id)),
      put: (record, condition) => pass('put', () => storage.put(record, condition)),
    } satisfies StorageAdapter as StorageAdapter,
  };
}

describe('a worker that lost its lease while it read the record', () => {
  it.each([1, 3])('leaves the job to the one that took over (attempts: %i)', async (attempts) => {
    const storage = createSharedStorage();
    const gate = gated(storage, 'get');
    const [stale, live] = [createWorker({ storage: gate.storage }), createWorker({ storage })];
    const job = (await live.jobs.enqueueMany([{ source: URL_SOURCE, options: { attempts } }]))[0];
    gate.close();
    const lease = new AbortController();
    const staleRun = stale.run(live.added[0], lease.signal);
    lease.abort(leaseLost());
    const liveRun = live.run(live.added[0]);
    const call = await live.call(0);
    gate.open();
    expect(await staleRun).toEqual({ type: 'done' });
    call.resolve();
    await liveRun;
    expect(await job?.status()).toMatchObject({ state: 'completed', attempts: 1 });
    expect(stale.calls).toEqual([]);
    expect(stale.eventsOf('warning')).toEqual([]);
  });

  it('writes nothing where it is being closed, and gives the entry back', async () => {
    const gate = gated(createSharedStorage(), 'get');
    const worker = createWorker({ storage: gate.storage });
    const job = (await worker.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
    gate.close();
    const close = new AbortController();
    const run = worker.run(worker.added[0], close.signal);
    close.abort(closed());
    gate.open();
    expect(await run).toEqual({ type: 'again', delayMs: 0 });
    expect(await worker.storage.get('jobs', job?.id ?? '')).toMatchObject({ version: 1, status: 'queued' });
  });

  it('ends a job whose entry was cancelled', async () => {
    const gate = gated(createSharedStorage(), 'get');
    const worker = createWorker({ storage: gate.storage });
    const job = (await worker.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
    gate.close();
    const cancel = new AbortController();
    const run = worker.run(worker.added[0], cancel.signal);
    cancel.abort(cancelled());
    gate.open();
    expect(await run).toEqual({ type: 'done' });
    expect(await job?.status()).toMatchObject({ state: 'cancelled', attempts: 0 });
  });
});

it('a worker that lost its lease while it made the job active takes that back', async () => {
  const storage = createSharedStorage();
  const gate = gated(storage, 'put');
  const [stale, live] = [createWorker({ storage: gate.storage }), createWorker({ storage })];
  const job = (await live.jobs.enqueueMany([{ source: URL_SOURCE, options: { attempts: 1 } }]))[0];
  gate.close();
  const lease = new AbortController();
  const staleRun = stale.run(live.added[0], lease.signal);
  await gate.reached();
  lease.abort(leaseLost());
  gate.open();
  expect(await staleRun).toEqual({ type: 'done' });
  const liveRun = live.run(live.added[0]);
  (await live.call(0)).resolve();
  await liveRun;
  expect(await job?.status()).toMatchObject({ state: 'completed', attempts: 1 });
  expect(stale.calls).toEqual([]);
});

it('a result is stored over a run that took the job without having the lease', async () => {
  const storage = createSharedStorage();
  const [live, stale] = [createWorker({ storage }), createWorker({ storage })];
  const job = (await live.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
  const liveRun = live.run(live.added[0]);
  const call = await live.call(0);
  const lease = new AbortController();
  const staleRun = stale.run(live.added[0], lease.signal);
  await stale.call(0);
  call.resolve(createTranscript('tr_live'));
  expect(await liveRun).toEqual({ type: 'done' });
  lease.abort(leaseLost());
  expect(await staleRun).toEqual({ type: 'done' });
  expect(await job?.status()).toMatchObject({ state: 'completed', transcriptId: 'tr_live' });
});

it('of two runs that both have a result the first one to store it wins', async () => {
  const storage = createSharedStorage();
  const [first, second] = [createWorker({ storage }), createWorker({ storage })];
  const job = (await first.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
  const runs = [first.run(first.added[0])];
  const calls = [await first.call(0)];
  runs.push(second.run(first.added[0]));
  calls.push(await second.call(0));
  calls[1]?.resolve(createTranscript('tr_second'));
  await runs[1];
  calls[0]?.resolve(createTranscript('tr_first'));
  await runs[0];
  expect(await job?.status()).toMatchObject({ state: 'completed', transcriptId: 'tr_second' });
  expect(await storage.get('transcripts', 'tr_first')).toBeUndefined();
});

it('a result that was held when the lease was lost is not shown in place of the one that counts', async () => {
  const memory = createSharedStorage();
  const transact = memory.transact as NonNullable<StorageAdapter['transact']>;
  let isDown = false;
  const whileUp = <Value>(act: () => Promise<Value>): Promise<Value> =>
    isDown ? Promise.reject(new Error('down')) : act();
  const flaky: StorageAdapter = {
    ...memory,
    put: (...args) => whileUp(() => memory.put(...args)),
    transact: (changes) => whileUp(() => transact(changes)),
  };
  const [stale, live] = [createWorker({ storage: flaky }), createWorker({ storage: memory })];
  const job = (await stale.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
  const lease = new AbortController();
  const staleRun = stale.run(stale.added[0], lease.signal);
  const call = await stale.call(0);
  isDown = true;
  call.resolve(createTranscript('tr_stale'));
  await vi.waitFor(async () => {
    await stale.clock.advance(100);
    expect(await job?.status()).toMatchObject({ transcriptId: 'tr_stale' });
  });
  lease.abort(leaseLost());
  await vi.waitFor(async () => {
    await stale.clock.advance(1000);
    expect(await Promise.race([staleRun, 'runs'])).toEqual({ type: 'done' });
  });
  isDown = false;
  const liveRun = live.run(stale.added[0]);
  (await live.call(0)).resolve(createTranscript('tr_live'));
  await liveRun;
  expect(await job?.status()).toMatchObject({ state: 'completed', transcriptId: 'tr_live' });
});

describe('an attempt in which nothing was sent', () => {
  const options = { attempts: 1, userId: 'u' };

  it('is not used up where the answer to the write was lost', async () => {
    const rig = createHarness({ settings: { autoStart: false } });
    open.push(rig);
    const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options }]))[0];
    rig.failNext('put jobs', 1, true);
    rig.jobs.startWorker();
    await vi.waitFor(() => expect(rig.eventsOf('storage-failure')).toHaveLength(1));
    await rig.clock.advance(50);
    (await rig.call(0)).resolve();
    await job?.result();
    expect(await job?.status()).toMatchObject({ attempts: 1 });
    expect(rig.eventsOf('warning')).toEqual([]);
  });

  it('is not used up where the storage was away for longer after that', async () => {
    const rig = createHarness({ settings: { autoStart: false } });
    open.push(rig);
    const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options }]))[0];
    rig.failNext('put jobs', 1, true);
    rig.failNext('put jobs', 7);
    rig.jobs.startWorker();
    await vi.waitFor(async () => {
      await rig.clock.advance(1000);
      expect(rig.calls).toHaveLength(1);
    });
    rig.calls[0]?.resolve();
    await job?.result();
    expect(await job?.status()).toMatchObject({ attempts: 1 });
    expect(rig.eventsOf('warning')).toEqual([]);
  });

  it('is not used up where the second look at the places of the user failed', async () => {
    const storage = createMemoryStorage();
    let lists = 0;
    const failing: StorageAdapter = {
      ...storage,
      list: (...args) => {
        lists += 1;
        return lists === 2 ? Promise.reject(new Error('disk on fire')) : storage.list(...args);
      },
    };
    const rig = createHarness({
      whole: true,
      storage: failing,
      settings: { autoStart: false, perUserConcurrency: 1 },
    });
    open.push(rig);
    const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options }]))[0];
    rig.jobs.startWorker();
    await vi.waitFor(async () => {
      await rig.clock.advance(1000);
      expect(rig.calls).toHaveLength(1);
    });
    rig.calls[0]?.resolve();
    await job?.result();
    expect(await job?.status()).toMatchObject({ state: 'completed', attempts: 1 });
    expect(rig.eventsOf('warning')).toEqual([]);
  });
});
