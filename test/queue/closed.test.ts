import { describe, expect, it, vi } from 'vitest';
import { AbortedError } from '../../src/errors/index.js';
import { createHarness, URL_SOURCE } from './harness.js';

const clientClosed = { name: 'AbortedError', code: 'client_closed' };

describe('a job of a closed service', () => {
  it('refuses every call, and its record stays as it was', async () => {
    const { jobs, storage } = createHarness({ settings: { autoStart: false } });
    const job = await jobs.enqueue(URL_SOURCE);
    const events = job.events();
    await jobs.close({ timeoutMs: 0 });
    const before = await storage.get('jobs', job.id);
    for (const call of [job.cancel, job.status, job.result]) {
      const error = await call().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(AbortedError);
      expect(error).toMatchObject(clientClosed);
    }
    for (const iterable of [events, job.events()]) {
      await expect(iterable[Symbol.asyncIterator]().next()).rejects.toMatchObject(clientClosed);
    }
    expect(await storage.get('jobs', job.id)).toEqual(before);
    expect(before).toMatchObject({ status: 'queued', version: 1 });
  });

  it('refuses them from the call of close() on, while what was asked before goes on', async () => {
    const { jobs, call } = createHarness();
    const job = await jobs.enqueue(URL_SOURCE);
    const running = await call(0);
    const result = job.result();
    const closed = jobs.close({ timeoutMs: 10_000 });
    for (const ask of [job.cancel, job.status, job.result]) {
      await expect(ask()).rejects.toMatchObject(clientClosed);
    }
    await expect(job.events()[Symbol.asyncIterator]().next()).rejects.toMatchObject(clientClosed);
    expect(running.context.signal.aborted).toBe(false);
    running.resolve();
    expect(await result).toMatchObject({ id: 'tr_1' });
    await closed;
  });

  it('refuses the same calls on the service', async () => {
    const { jobs } = createHarness({ settings: { autoStart: false } });
    const { id } = await jobs.enqueue(URL_SOURCE);
    await jobs.close({ timeoutMs: 0 });
    const calls = [jobs.get(id), jobs.list(), jobs.cancel(id), jobs.retry(id), jobs.remove(id), jobs.depth()];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: clientClosed });
    }
  });
});

describe('a close beside an enqueue', () => {
  it('lets the job get into the queue', async () => {
    const { jobs, queue, statesOf } = createHarness({ settings: { autoStart: false } });
    const added = vi.spyOn(queue, 'add');
    const enqueued = jobs.enqueue(URL_SOURCE);
    await jobs.close({ timeoutMs: 1000 });
    const { id } = await enqueued;
    expect(added).toHaveBeenCalledTimes(1);
    expect(statesOf(id)).toEqual(['queued']);
  });

  it('waits for it no longer than its time', async () => {
    const { jobs, queue, clock, storage } = createHarness({ settings: { autoStart: false } });
    let add: () => void = () => undefined;
    queue.add = () => new Promise((resolve) => (add = resolve));
    const enqueued = jobs.enqueue(URL_SOURCE);
    const closed = vi.fn();
    const closing = jobs.close({ timeoutMs: 1000 }).then(closed);
    await clock.advance(999);
    expect(closed).not.toHaveBeenCalled();
    await clock.advance(1);
    await closing;
    add();
    // Its caller may have been told of the close by then: nothing is acknowledged.
    await expect(enqueued).rejects.toMatchObject(clientClosed);
    await vi.waitFor(async () => expect((await storage.list('jobs', {})).items).toEqual([]));
    expect(clock.pendingTimers).toBe(0);
  });
});
