import { afterEach, describe, expect, it, vi } from 'vitest';
import { BadRequestError } from '../../src/errors/index.js';
import { createHarness, type Harness, type HarnessOptions, URL_SOURCE, unavailable } from './harness.js';

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

describe('worker: a storage that fails', () => {
  it('does not lose a job whose record cannot be read or made active', async () => {
    for (const [operation, times, tookMs] of [
      ['get jobs', 1, 0],
      ['put jobs', 3, 250],
    ] as const) {
      const { jobs, call, calls, clock, failNext, eventsOf } = harness({ settings: { autoStart: false } });
      const job = await jobs.enqueue(URL_SOURCE);
      failNext(operation, times);
      jobs.startWorker();
      await vi.waitFor(() => expect(eventsOf('storage-failure')).toHaveLength(1));
      await clock.advance(tookMs + 4999);
      expect(calls).toHaveLength(0);
      await clock.advance(1);
      (await call(0)).resolve();
      await job.result();
      expect(await job.status()).toMatchObject({ state: 'completed', attempts: 1 });
    }
  });

  it.each(['put transcripts', 'put jobs'] as const)(
    'repeats a write that fails (%s), not the call to Deepgram',
    async (operation) => {
      const { jobs, call, calls, clock, failNext, statesOf } = harness();
      const job = await jobs.enqueue(URL_SOURCE);
      const running = await call(0);
      failNext(operation, 2);
      running.resolve();
      await clock.advance(250);
      expect(await job.result()).toMatchObject({ id: 'tr_1' });
      expect(await job.status()).toMatchObject({ state: 'completed' });
      expect(statesOf(job.id)).toEqual(['queued', 'active', 'completed']);
      expect(calls).toHaveLength(1);
    },
  );

  it('recognises a completion whose answer was lost', async () => {
    const { jobs, call, clock, failNext, storage } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    failNext('put jobs', 1, true);
    running.resolve();
    await clock.advance(50);
    expect(await job.result()).toMatchObject({ id: 'tr_1' });
    expect(await storage.get('transcripts', 'tr_1')).toBeDefined();
  });

  it.each(['put transcripts', 'put jobs'] as const)(
    'keeps a result that cannot be stored (%s) until it can, without another call',
    async (operation) => {
      const { jobs, call, calls, clock, failNext, storage, statesOf } = harness();
      const job = await jobs.enqueue(URL_SOURCE);
      const running = await call(0);
      const early = job.result();
      failNext(operation, 3 + 3);
      running.resolve();
      await clock.advance(250);
      expect(await early).toMatchObject({ id: 'tr_1' });
      expect(await job.result()).toMatchObject({ id: 'tr_1' });
      expect(await job.status()).toMatchObject({ state: 'completed' });
      expect(await jobs.cancel(job.id)).toBe(false);
      expect((await storage.get('jobs', job.id))?.status).toBe('active');
      // The second round fails too, the third one stores it.
      await clock.advance(5250);
      expect((await storage.get('jobs', job.id))?.status).toBe('active');
      await clock.advance(5250);
      expect((await storage.get('jobs', job.id))?.status).toBe('completed');
      expect(await job.result()).toMatchObject({ id: 'tr_1' });
      expect(await storage.get('transcripts', 'tr_1')).toBeDefined();
      expect(calls).toHaveLength(1);
      expect(statesOf(job.id)).toEqual(['queued', 'active', 'completed']);
    },
  );

  it('stores a result that it still keeps when it is closed', async () => {
    const { jobs, call, clock, failNext, storage } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    failNext('put transcripts', 3);
    running.resolve();
    await clock.advance(250);
    await jobs.close({ timeoutMs: 0 });
    expect((await storage.get('jobs', job.id))?.status).toBe('completed');
    expect(await storage.get('transcripts', 'tr_1')).toBeDefined();
  });

  it('keeps an error that cannot be stored as well', async () => {
    const { jobs, call, clock, failNext, storage } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    failNext('put jobs', 3);
    running.reject(new BadRequestError('wrong', { code: 'bad_request' }));
    await clock.advance(250);
    await expect(job.result()).rejects.toMatchObject({ code: 'bad_request' });
    await clock.advance(5000);
    expect((await storage.get('jobs', job.id))?.status).toBe('failed');
  });

  it('tries a job again although the storage would not take its failure', async () => {
    const { jobs, call, clock, failNext } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    failNext('put jobs', 3);
    running.reject(unavailable());
    await clock.advance(250 + 10_000);
    (await call(1)).resolve();
    expect(await job.result()).toMatchObject({ id: 'tr_2' });
    expect(await job.status()).toMatchObject({ state: 'completed', attempts: 2 });
  });
});
