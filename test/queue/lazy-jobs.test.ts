import { describe, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { ResolvedSource } from '../../src/contracts/audio-source.js';
import type { EnqueueOptions } from '../../src/contracts/call-options.js';
import type { ClientEvent } from '../../src/contracts/events.js';
import type { Job } from '../../src/contracts/job.js';
import type { QueueAdapter } from '../../src/contracts/queue.js';
import { systemClock } from '../../src/internal/system-clock.js';
import { createLazyJobs } from '../../src/queue/index.js';
import { createJobs, type JobService } from '../../src/queue/service.js';

const SOURCE = { kind: 'url', url: 'https://example.com/a.wav', label: 'a.wav' } as const;
const SETTINGS = {
  attempts: 1,
  backoffMs: 1,
  maxBackoffMs: 1,
  concurrency: 1,
  whenDown: 'reject' as const,
  perUserConcurrency: undefined,
  autoStart: false,
};

function start(queue: QueueAdapter = createMemoryQueue()) {
  const storage = createMemoryStorage();
  const events: ClientEvent[] = [];
  const emit = (event: ClientEvent): void => void events.push(event);
  const transcribe = vi.fn(() => new Promise<never>(() => undefined));
  const makeService = (): JobService =>
    createJobs({
      storage,
      queue,
      clock: systemClock,
      settings: SETTINGS,
      emit,
      webhookQueue: createMemoryQueue(),
      webhookSettings: { secret: undefined, allow: [], timeoutMs: 1, concurrency: 1 },
      transcribe,
      saveTranscript: async () => undefined,
    });
  let answer: { resolve(service: JobService): void; reject(error: Error): void } | undefined;
  const load = vi.fn(
    () =>
      new Promise<JobService>((resolve, reject) => {
        answer = { resolve, reject };
      }),
  );
  const lazy = createLazyJobs<ResolvedSource>({
    queue,
    storage: storage.capabilities,
    emit,
    load: async () => ({ service: await load(), settle: (items) => items }),
  });
  const jobs = {
    enqueue: async (source: ResolvedSource, options: EnqueueOptions = {}) =>
      (await lazy.enqueueMany([{ source, options }]))[0] as Job,
    enqueueMany: (...args: Parameters<typeof lazy.enqueueMany>) => lazy.enqueueMany(...args),
    get: (id: string) => lazy.use((service) => service.get(id)),
    list: () => lazy.use((service) => service.list()),
    startWorker: (...args: Parameters<typeof lazy.startWorker>) => lazy.startWorker(...args),
    close: (...args: Parameters<typeof lazy.close>) => lazy.close(...args),
  };
  return {
    jobs,
    events,
    load,
    transcribe,
    arrive: () => answer?.resolve(makeService()),
    fail: () => answer?.reject(new Error('no such module')),
  };
}

describe('jobs that are not loaded yet', () => {
  it('are not loaded by a close, which ends the queue that was handed in', async () => {
    const queue = createMemoryQueue();
    const { jobs, load } = start(queue);
    await jobs.close({ timeoutMs: 0 });
    expect(load).not.toHaveBeenCalled();
    await expect(queue.add([])).rejects.toMatchObject({ code: 'queue_failed' });
    await expect(jobs.get('job_1')).rejects.toMatchObject({ code: 'client_closed' });
    expect(() => jobs.startWorker()).toThrow(expect.objectContaining({ code: 'client_closed' }));
  });

  it('are loaded once, and take the options as they were when they were handed in', async () => {
    const { jobs, load, arrive } = start();
    const metadata = { order: [1] };
    const first = jobs.enqueue(SOURCE, { metadata });
    const others = jobs.enqueueMany([{ source: SOURCE, options: {} }]);
    metadata.order.push(2);
    arrive();
    expect(await (await first).status()).toMatchObject({ metadata: { order: [1] } });
    expect(await others).toHaveLength(1);
    expect(load).toHaveBeenCalledTimes(1);
    await jobs.close({ timeoutMs: 0 });
  });

  it('take data that only looks plain, such as that of a reactive framework', async () => {
    const { jobs, arrive } = start();
    const order = new Proxy({ id: 1, __proto__: null }, {});
    const enqueued = jobs.enqueue(SOURCE, { metadata: new Proxy({ order, lines: [order] }, {}) });
    arrive();
    expect(await (await enqueued).status()).toMatchObject({
      metadata: { order: { id: 1 }, lines: [{ id: 1 }] },
    });
    await jobs.close({ timeoutMs: 0 });
  });

  it('take what was asked for before a close', async () => {
    const { jobs, arrive } = start();
    const { signal } = new AbortController();
    const calls = [
      jobs.enqueue(SOURCE, { signal }),
      jobs.enqueueMany([{ source: SOURCE, options: { signal } }]),
      jobs.list(),
    ];
    const closing = jobs.close({ timeoutMs: 1000 });
    arrive();
    await Promise.all(calls);
    await closing;
  });

  it('let an aborted call go at once', async () => {
    const { jobs, arrive } = start();
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [
      jobs.enqueue(SOURCE, { signal }),
      jobs.enqueueMany([
        { source: SOURCE, options: {} },
        { source: SOURCE, options: { signal } },
      ]),
    ];
    controller.abort();
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'aborted' });
    arrive();
    expect((await jobs.list()).items).toEqual([]);
    await jobs.close({ timeoutMs: 0 });
  });

  it('are loaded again where it failed', async () => {
    const { jobs, load, arrive, fail } = start();
    const first = jobs.list();
    fail();
    await expect(first).rejects.toThrow('no such module');
    const second = jobs.list();
    arrive();
    expect((await second).items).toEqual([]);
    expect(load).toHaveBeenCalledTimes(2);
    await jobs.close({ timeoutMs: 0 });
  });
});

describe('a worker that is started before the queue is loaded', () => {
  it('begins with it, and its close waits for that', async () => {
    const { jobs, transcribe, arrive } = start();
    const worker = jobs.startWorker();
    await expect(worker.close({ timeoutMs: -1 })).rejects.toMatchObject({ code: 'invalid_option' });
    const job = jobs.enqueue(SOURCE);
    arrive();
    await job;
    await vi.waitFor(() => expect(transcribe).toHaveBeenCalledTimes(1));
    await worker.close({ timeoutMs: 0 });
    await jobs.startWorker().close({ timeoutMs: 0 });
    await jobs.close({ timeoutMs: 0 });
  });

  it('is refused at once where another one is, and where its options are wrong', async () => {
    const { jobs, arrive } = start();
    expect(() => jobs.startWorker({ concurrency: 0 })).toThrow(/concurrency/);
    jobs.startWorker({ concurrency: 1 });
    expect(() => jobs.startWorker()).toThrow(/has a worker already/);
    arrive();
    await jobs.list();
    expect(() => jobs.startWorker()).toThrow(/has a worker already/);
    await jobs.close({ timeoutMs: 0 });
  });

  it.each(['the queue refuses it', 'nothing can be loaded'])('is told of where %s', async (why) => {
    const queue = createMemoryQueue();
    queue.startWorker = () => {
      throw new Error('no');
    };
    const { jobs, events, arrive, fail } = start(queue);
    const worker = jobs.startWorker();
    if (why === 'the queue refuses it') arrive();
    else fail();
    await worker.close();
    expect(events).toMatchObject([{ type: 'warning', code: 'worker-not-started' }]);
    await jobs.close({ timeoutMs: 0 });
  });
});
