import { afterEach, describe, expect, it } from 'vitest';
import { BadRequestError, ProviderError } from '../../src/errors/index.js';
import {
  createHarness,
  type Harness,
  type HarnessOptions,
  limited,
  reset,
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

describe('worker: a job that succeeds', () => {
  it('stores the transcript first, completes the job then, and reports each state', async () => {
    const { jobs, call, clock, storage, events, statesOf } = harness();
    const job = await jobs.enqueue(URL_SOURCE, { model: 'nova-3', userId: 'u1', metadata: { order: 7 } });
    const running = await call(0);
    expect(running.source).toEqual(URL_SOURCE);
    expect(running.options).toEqual({ model: 'nova-3', userId: 'u1', metadata: { order: 7 }, priority: 0 });
    expect(running.context).toMatchObject({ jobId: job.id, attempt: 1 });
    expect(await job.status()).toMatchObject({ state: 'active', attempts: 1, startedAt: expect.any(String) });
    await clock.advance(2500);
    running.resolve();
    expect(await job.result()).toMatchObject({ id: 'tr_1', text: 'hello world' });
    expect(await job.status()).toEqual({
      id: job.id,
      state: 'completed',
      userId: 'u1',
      metadata: { order: 7 },
      priority: 0,
      attempts: 1,
      maxAttempts: 3,
      createdAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:00:02.500Z',
      transcriptId: 'tr_1',
    });
    expect((await storage.get('transcripts', 'tr_1'))?.data).toMatchObject({
      jobId: job.id,
      userId: 'u1',
      source: 'https://example.com/call.mp3',
    });
    expect(statesOf(job.id)).toEqual(['queued', 'active', 'completed']);
    expect(events.at(-1)).toEqual({
      type: 'job',
      jobId: job.id,
      state: 'completed',
      attempt: 1,
      model: 'nova-3',
      userId: 'u1',
      durationMs: 2500,
    });
    expect(JSON.stringify(events)).not.toMatch(/secret|hello/);
  });

  it('takes priorities in order, and waits for delays', async () => {
    const { jobs, calls, clock, call } = harness({ settings: { concurrency: 1, autoStart: false } });
    await jobs.enqueue(urlSource('late'), { delayMs: 60_000, priority: 0 });
    await jobs.enqueue(urlSource('third'), { priority: 5 });
    await jobs.enqueue(urlSource('second'), { priority: 1 });
    await jobs.enqueue(urlSource('first'));
    expect(await jobs.depth()).toEqual({ waiting: 3, delayed: 1, active: 0 });
    expect(calls).toEqual([]);
    jobs.startWorker();
    for (const index of [0, 1, 2]) (await call(index)).resolve();
    await clock.advance(59_999);
    expect(calls).toHaveLength(3);
    await clock.advance(1);
    (await call(3)).resolve();
    expect(calls.map(({ source }) => source.label.split('/').at(-1))).toEqual([
      'first',
      'second',
      'third',
      'late',
    ]);
  });

  it('ends 1,000 jobs exactly once at concurrency 10', async () => {
    let running = 0;
    let most = 0;
    const { jobs, calls, eventsOf, storage } = harness({
      answer: (call) => {
        running += 1;
        most = Math.max(most, running);
        setImmediate(() => {
          running -= 1;
          call.resolve();
        });
      },
    });
    const created = await jobs.enqueueMany(
      Array.from({ length: 1000 }, (_, index) => ({ source: urlSource(String(index)), options: {} })),
    );
    const transcripts = await Promise.all(created.map((job) => job.result()));
    expect(new Set(transcripts.map(({ id }) => id)).size).toBe(1000);
    expect(new Set(calls.map(({ source }) => source.label)).size).toBe(1000);
    expect(calls).toHaveLength(1000);
    expect(most).toBe(10);
    expect(eventsOf('job').filter(({ state }) => state === 'completed')).toHaveLength(1000);
    expect((await storage.list('jobs', { status: 'completed', limit: 1000 })).items).toHaveLength(1000);
    expect(await jobs.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
  });
});

describe('worker: a job that fails', () => {
  it('tries again after a back-off that doubles, and fails when its attempts are used up', async () => {
    const { jobs, call, calls, clock, statesOf, eventsOf } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    (await call(0)).reject(unavailable());
    await clock.advance(9999);
    expect(calls).toHaveLength(1);
    expect(await job.status()).toMatchObject({
      state: 'queued',
      attempts: 1,
      lastError: { code: 'provider_unavailable', status: 503, attempt: 1 },
    });
    await clock.advance(1);
    (await call(1)).reject(unavailable());
    await clock.advance(19_999);
    expect(calls).toHaveLength(2);
    await clock.advance(1);
    const last = await call(2);
    expect(last.context.attempt).toBe(3);
    last.reject(unavailable());
    const error = await job.result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ code: 'provider_unavailable', status: 503, attempt: 3, retryable: true });
    expect(statesOf(job.id)).toEqual(['queued', 'active', 'queued', 'active', 'queued', 'active', 'failed']);
    expect(eventsOf('job').at(-1)).toMatchObject({ code: 'provider_unavailable', durationMs: 30_000 });
    await clock.advance(10_000_000);
    expect(calls).toHaveLength(3);
  });

  it('caps the back-off', async () => {
    const { jobs, call, clock, calls } = harness({ settings: { attempts: 20, maxBackoffMs: 7000 } });
    await jobs.enqueue(URL_SOURCE);
    for (let index = 0; index < 6; index++) {
      (await call(index)).reject(unavailable());
      await clock.advance(7000);
    }
    expect(calls).toHaveLength(7);
  });

  it('does not repeat what cannot succeed', async () => {
    const { jobs, call, calls, clock } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    (await call(0)).reject(new BadRequestError('wrong', { code: 'bad_request', status: 400 }));
    await expect(job.result()).rejects.toMatchObject({ name: 'BadRequestError', status: 400 });
    await clock.advance(1_000_000);
    expect(calls).toHaveLength(1);
  });

  it('wraps a foreign error and fails the job', async () => {
    const { jobs, call } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    (await call(0)).reject(new TypeError('secret detail'));
    await expect(job.result()).rejects.toMatchObject({ code: 'internal', retryable: false });
    expect(JSON.stringify(await job.status())).not.toContain('secret detail');
  });

  it('repeats an ambiguous end, and warns that it may be billed twice', async () => {
    const { jobs, call, clock, eventsOf } = harness({ settings: { attempts: 2 } });
    const job = await jobs.enqueue(URL_SOURCE);
    (await call(0)).reject(reset());
    await clock.advance(10_000);
    expect(eventsOf('warning')).toEqual([
      { type: 'warning', code: 'possible-double-billing', message: expect.any(String), jobId: job.id },
    ]);
    (await call(1)).reject(reset());
    await expect(job.result()).rejects.toMatchObject({ ambiguous: true, requestId: 'request-1' });
    expect(eventsOf('warning')).toHaveLength(1);
  });

  it('waits as long as Deepgram asks, and uses up no attempt on a 429', async () => {
    const { jobs, call, calls, clock } = harness({ settings: { attempts: 1 } });
    const job = await jobs.enqueue(URL_SOURCE);
    (await call(0)).reject(limited(42_000));
    await clock.advance(41_999);
    expect(calls).toHaveLength(1);
    expect(await job.status()).toMatchObject({ state: 'queued', attempts: 0 });
    await clock.advance(1);
    (await call(1)).resolve();
    await job.result();
    expect(await job.status()).toMatchObject({ state: 'completed', attempts: 1 });
  });

  it('bounds the free 429s', async () => {
    const { jobs, calls, clock } = harness({
      settings: { attempts: 2 },
      answer: (call) => call.reject(limited(10)),
    });
    const job = await jobs.enqueue(URL_SOURCE);
    await clock.advance(10_000);
    await expect(job.result()).rejects.toMatchObject({ name: 'RateLimitError', status: 429 });
    expect(calls).toHaveLength(22);
  });
});
