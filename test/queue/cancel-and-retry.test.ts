import { afterEach, describe, expect, it, vi } from 'vitest';
import type { TranscriptionError } from '../../src/errors/index.js';
import {
  createHarness,
  type Harness,
  type HarnessOptions,
  URL_SOURCE,
  unavailable,
  upload,
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

describe('cancel', () => {
  it('ends a waiting and a delayed job', async () => {
    const { jobs, calls, clock, statesOf } = harness({ settings: { autoStart: false } });
    const waiting = await jobs.enqueue(URL_SOURCE);
    const delayed = await jobs.enqueue(URL_SOURCE, { delayMs: 1000 });
    expect(await waiting.cancel()).toBe(true);
    expect(await jobs.cancel(delayed.id)).toBe(true);
    expect(await waiting.cancel()).toBe(false);
    expect(await jobs.cancel('job_unknown')).toBe(false);
    expect(await jobs.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
    jobs.startWorker();
    await clock.advance(10_000);
    expect(calls).toEqual([]);
    expect(statesOf(waiting.id)).toEqual(['queued', 'cancelled']);
    await expect(delayed.result()).rejects.toMatchObject({ name: 'AbortedError', code: 'job_cancelled' });
  });

  it('aborts an active job at once, and lets no result appear afterwards', async () => {
    const { jobs, call, clock, storage, statesOf, calls } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    const result = job.result().catch((error: TranscriptionError) => error.code);
    const before = performance.now();
    expect(await job.cancel()).toBe(true);
    expect(running.context.signal.aborted).toBe(true);
    expect(performance.now() - before).toBeLessThan(50);
    expect(await result).toBe('job_cancelled');
    running.resolve();
    await clock.advance(1_000_000);
    expect(await job.status()).toMatchObject({ state: 'cancelled' });
    expect((await storage.list('transcripts', {})).items).toEqual([]);
    expect(statesOf(job.id)).toEqual(['queued', 'active', 'cancelled']);
    expect(calls).toHaveLength(1);
    expect(await job.cancel()).toBe(false);
  });

  it('deletes a transcript that was being stored when the job was cancelled', async () => {
    const { jobs, call, clock, storage, failNext } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    failNext('put jobs');
    running.resolve();
    await vi.waitFor(async () => expect(await storage.get('transcripts', 'tr_1')).toBeDefined());
    expect(await job.cancel()).toBe(true);
    await clock.advance(250);
    expect(await job.status()).toMatchObject({ state: 'cancelled' });
    expect(await storage.get('transcripts', 'tr_1')).toBeUndefined();
  });

  it('ends a job that waits for its next attempt', async () => {
    const { jobs, call, calls, clock } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    (await call(0)).reject(unavailable());
    await vi.waitFor(async () => expect((await jobs.depth()).delayed).toBe(1));
    expect(await job.cancel()).toBe(true);
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(1_000_000);
    expect(calls).toHaveLength(1);
  });

  it('ends a job whose entry was cancelled in the queue alone', async () => {
    const { jobs, call, queue } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    await call(0);
    await queue.cancel(job.id);
    await expect(job.result()).rejects.toMatchObject({ code: 'job_cancelled' });
  });

  it('ends a job although the answer of the storage was lost', async () => {
    const { jobs, call, clock, failNext } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    const result = job.result().catch((error: TranscriptionError) => error.code);
    failNext('put jobs', 1, true);
    const cancelled = job.cancel();
    await clock.advance(50);
    expect(await cancelled).toBe(true);
    expect(await result).toBe('job_cancelled');
    expect(running.context.signal.aborted).toBe(true);
  });

  it('leaves an active job alone where the storage cannot be asked', async () => {
    const { jobs, call, failNext } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    failNext('get jobs');
    await expect(job.cancel()).rejects.toMatchObject({ code: 'storage_failed' });
    running.resolve();
    expect(await job.result()).toMatchObject({ id: 'tr_1' });
  });

  it('frees the place of a job whose attempt does not listen', async () => {
    const { jobs, call, calls } = harness({ settings: { concurrency: 1 } });
    const first = await jobs.enqueue(URL_SOURCE);
    await jobs.enqueue(URL_SOURCE);
    await call(0);
    await first.cancel();
    await call(1);
    calls[0]?.reject(new Error('late'));
    calls[1]?.resolve();
  });
});

describe('retry and remove', () => {
  it('begins a failed job anew, also from inside the event that reports the failure', async () => {
    const { jobs, call, calls, clock } = harness({ settings: { attempts: 1 } });
    const job = await jobs.enqueue(URL_SOURCE, { priority: 3 });
    (await call(0)).reject(unavailable());
    for await (const event of job.events()) if (event.type === 'failed') await jobs.retry(job.id);
    await clock.advance(0);
    expect(await job.status()).toMatchObject({ state: 'active', attempts: 1, maxAttempts: 1, priority: 3 });
    calls[1]?.resolve();
    expect(await job.result()).toMatchObject({ id: 'tr_2' });
    expect(calls).toHaveLength(2);
  });

  it('begins a cancelled job anew while its old attempt is still winding up', async () => {
    const { jobs, call, calls, storage } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const old = await call(0);
    await job.cancel();
    await jobs.retry(job.id);
    const fresh = await call(1);
    old.resolve();
    fresh.resolve();
    expect(await job.result()).toMatchObject({ id: 'tr_2' });
    expect((await storage.list('transcripts', {})).items.map(({ id }) => id)).toEqual(['tr_2']);
    expect(calls).toHaveLength(2);
  });

  it('does not run an entry of an earlier round', async () => {
    const { jobs, call, calls, clock, queue } = harness({ settings: { autoStart: false } });
    const job = await jobs.enqueue(URL_SOURCE);
    await job.cancel();
    await jobs.retry(job.id);
    await queue.add([{ id: job.id, priority: 0, delayMs: 0 }]);
    expect((await jobs.depth()).waiting).toBe(2);
    jobs.startWorker();
    (await call(0)).resolve();
    await job.result();
    await clock.advance(0);
    expect(calls).toHaveLength(1);
    expect(await job.status()).toMatchObject({ attempts: 1 });
  });

  it('stays failed where the queue does not take it again', async () => {
    const { jobs, call, queue } = harness({ settings: { attempts: 1 } });
    const job = await jobs.enqueue(URL_SOURCE);
    (await call(0)).reject(unavailable());
    await expect(job.result()).rejects.toThrow('busy');
    vi.spyOn(queue, 'add').mockRejectedValueOnce(new Error('queue down'));
    await expect(jobs.retry(job.id)).rejects.toMatchObject({ name: 'QueueError', retryable: true });
    expect(await job.status()).toMatchObject({ state: 'failed', error: { code: 'provider_unavailable' } });
    await jobs.retry(job.id);
    (await call(1)).resolve();
    expect(await job.result()).toMatchObject({ id: 'tr_2' });
  });

  it('needs audio that is still there', async () => {
    const { jobs, call } = harness({ settings: { attempts: 1 } });
    const fromFile = await jobs.enqueue(upload('file'));
    const fromBytes = await jobs.enqueue(upload('bytes'));
    for (const index of [0, 1]) (await call(index)).reject(unavailable());
    await expect(fromFile.result()).rejects.toThrow();
    await expect(fromBytes.result()).rejects.toThrow();
    await jobs.retry(fromFile.id);
    (await call(2)).resolve();
    await fromFile.result();
    await expect(jobs.retry(fromBytes.id)).rejects.toMatchObject({
      name: 'UnsupportedSourceError',
      message: expect.stringContaining('pass a URL'),
    });
    expect(await fromBytes.status()).toMatchObject({ state: 'failed' });
  });

  it('refuses jobs in another state, and unknown ones', async () => {
    const { jobs, call } = harness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    await expect(jobs.retry(job.id)).rejects.toMatchObject({ name: 'QueueError', code: 'job_state' });
    await expect(jobs.remove(job.id)).rejects.toMatchObject({ name: 'QueueError', code: 'job_state' });
    await expect(jobs.retry('job_unknown')).rejects.toMatchObject({ code: 'job_not_found' });
    expect(await jobs.remove('job_unknown')).toBe(false);
    running.resolve();
    await job.result();
    await expect(jobs.retry(job.id)).rejects.toMatchObject({ code: 'job_state' });
    expect(await jobs.remove(job.id)).toBe(true);
    expect(await jobs.get(job.id)).toBeUndefined();
    await expect(job.status()).rejects.toMatchObject({ code: 'job_not_found' });
    await expect(job.result()).rejects.toMatchObject({ code: 'job_not_found' });
  });
});
