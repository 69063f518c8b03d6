import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { JobEvent } from '../../src/contracts/job.js';
import type { QueueAdapter } from '../../src/contracts/queue.js';
import { ManualClock } from '../support/manual-clock.js';
import { createSharedStorage } from './hand-queue.js';
import {
  createHarness,
  createTranscript,
  type Harness,
  type HarnessOptions,
  reset,
  URL_SOURCE,
  unavailable,
  upload,
} from './harness.js';

const open: Harness[] = [];

function harness(options: HarnessOptions = {}): Harness {
  const created = createHarness({ whole: true, ...options });
  open.push(created);
  return created;
}

afterEach(async () => {
  for (const { jobs, clock } of open.splice(0)) {
    await jobs.close({ timeoutMs: 0 });
    expect(clock.pendingTimers).toBe(0);
  }
});

describe('totalTimeoutMs', () => {
  it('ends a job that waits for longer, without an attempt', async () => {
    const { jobs, clock, calls } = harness({ settings: { autoStart: false } });
    const job = await jobs.enqueue(URL_SOURCE, { totalTimeoutMs: 60_000 });
    await clock.advance(60_000);
    jobs.startWorker();
    await expect(job.result()).rejects.toMatchObject({ name: 'TimeoutError', code: 'timeout' });
    expect(calls).toEqual([]);
  });

  it('ends a job that waits while there is no worker, or none that is free', async () => {
    const { jobs, clock, calls } = harness({ settings: { autoStart: false, concurrency: 1 } });
    const failed: unknown[] = [];
    const job = await jobs.enqueue(URL_SOURCE, { totalTimeoutMs: 60_000 });
    job.result().catch((error: unknown) => failed.push(error));
    await clock.advance(60_000);
    await vi.waitFor(() => expect(failed).toMatchObject([{ name: 'TimeoutError', code: 'timeout' }]));
    expect(await jobs.depth()).toMatchObject({ waiting: 0, delayed: 0 });
    jobs.startWorker();
    await jobs.enqueue(URL_SOURCE);
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    const behind = await jobs.enqueue(URL_SOURCE, { totalTimeoutMs: 1000 });
    behind.result().catch((error: unknown) => failed.push(error));
    await clock.advance(1000);
    await vi.waitFor(() => expect(failed).toHaveLength(2));
    expect(calls).toHaveLength(1);
  });

  it('gives an attempt no more time than is left', async () => {
    const { jobs, call } = harness();
    await jobs.enqueue(URL_SOURCE, { totalTimeoutMs: 60_000 });
    expect((await call(0)).options.timeoutMs).toBe(60_000);
    await jobs.enqueue(URL_SOURCE, { totalTimeoutMs: 60_000, timeoutMs: 5000 });
    expect((await call(1)).options.timeoutMs).toBe(5000);
  });

  it('leaves out an attempt that would begin after it', async () => {
    const { jobs, call, calls } = harness();
    const job = await jobs.enqueue(URL_SOURCE, { totalTimeoutMs: 8000 });
    // The harness draws the longest back-off: 10 seconds.
    (await call(0)).reject(unavailable());
    await expect(job.result()).rejects.toMatchObject({ code: 'timeout', attempt: 1 });
    expect(calls).toHaveLength(1);
  });

  it('does not hold for a job that is begun anew', async () => {
    const { jobs, clock, call } = harness({ settings: { autoStart: false } });
    const job = await jobs.enqueue(URL_SOURCE, { totalTimeoutMs: 1000 });
    await clock.advance(1000);
    jobs.startWorker();
    await job.result().catch(() => undefined);
    await jobs.retry(job.id);
    (await call(0)).resolve();
    await expect(job.result()).resolves.toMatchObject({ text: 'hello world' });
  });
});

describe('a worker that dies', () => {
  /** Leaves the record of a job active, as a dead worker does. */
  async function die(storage: ReturnType<typeof createMemoryStorage>, id: string, attempts: number) {
    const record = await storage.get('jobs', id);
    const data = { ...(record?.data as object), state: 'active', attempts, startedAt: record?.createdAt };
    await storage.put({ ...(record as NonNullable<typeof record>), status: 'active', data });
  }

  it('has made an attempt, which may be billed twice', async () => {
    const storage = createMemoryStorage();
    const { jobs, call, eventsOf } = harness({ storage, settings: { autoStart: false } });
    const job = await jobs.enqueue(URL_SOURCE);
    await die(storage, job.id, 1);
    jobs.startWorker();
    (await call(0)).resolve();
    await job.result();
    expect(await job.status()).toMatchObject({ state: 'completed', attempts: 2 });
    expect(eventsOf('warning')).toMatchObject([{ code: 'possible-double-billing', jobId: job.id }]);
  });

  it('ends its job where that was the last attempt', async () => {
    const storage = createMemoryStorage();
    const { jobs, calls } = harness({ storage, settings: { autoStart: false } });
    const job = await jobs.enqueue(URL_SOURCE, { attempts: 2 });
    await die(storage, job.id, 2);
    jobs.startWorker();
    await expect(job.result()).rejects.toMatchObject({ code: 'job_stalled', ambiguous: true, attempt: 2 });
    expect(calls).toEqual([]);
  });
});

describe('retryFailed()', () => {
  it('begins all failed jobs anew that fit, and only those', async () => {
    const { jobs, call, calls } = harness({ settings: { attempts: 1, concurrency: 100 } });
    const made = await jobs.enqueueMany(
      Array.from({ length: 5 }, (_, index) => ({
        source: URL_SOURCE,
        options: { userId: index < 3 ? 'u1' : 'u2' },
      })),
    );
    await call(4);
    const lucky = calls.find(({ options }) => options.userId === 'u2');
    for (const attempt of calls) attempt === lucky ? attempt.resolve() : attempt.reject(unavailable());
    await Promise.all(made.map((job) => job.result().catch(() => undefined)));
    expect(await jobs.retryFailed({ userId: 'u1' })).toBe(3);
    await vi.waitFor(() => expect(calls).toHaveLength(8));
    expect(await jobs.retryFailed()).toBe(1);
    expect(await jobs.retryFailed({ createdBefore: '2020-01-01T00:00:00.000Z' })).toBe(0);
    await expect(jobs.retryFailed({ user: 'u1' } as object)).rejects.toMatchObject({
      code: 'unknown_option',
    });
  });

  it('passes over jobs whose audio is gone', async () => {
    const { jobs, call } = harness({ settings: { attempts: 1 } });
    const job = await jobs.enqueue(upload('bytes'));
    (await call(0)).reject(unavailable());
    await job.result().catch(() => undefined);
    expect(await jobs.retryFailed()).toBe(0);
    expect(await job.status()).toMatchObject({ state: 'failed' });
  });
});

describe('progress', () => {
  async function follow(events: AsyncIterable<JobEvent>, seen: JobEvent[]): Promise<void> {
    for await (const event of events) seen.push(event);
  }

  it('is told of an attempt that takes longer than half a second, and of no other', async () => {
    const { jobs, call, clock } = harness();
    const seen: JobEvent[] = [];
    const job = await jobs.enqueue(URL_SOURCE);
    const following = follow(job.events(), seen);
    const first = await call(0);
    await clock.advance(499);
    first.resolve();
    await following;
    expect(seen.map(({ type }) => type)).not.toContain('progress');
    const slow: JobEvent[] = [];
    const other = await jobs.enqueue(URL_SOURCE);
    const followed = follow(other.events(), slow);
    const second = await call(1);
    await clock.advance(3000);
    second.resolve();
    await followed;
    expect(slow.filter(({ type }) => type === 'progress')).toMatchObject([
      { status: { state: 'active' }, progress: { phase: 'processing' } },
    ]);
  });

  it('counts the bytes that are uploaded', async () => {
    const { jobs, call, clock } = harness();
    const source = {
      ...upload('file'),
      open: async () => ({
        sizeBytes: 300,
        chunks: (async function* () {
          for (let index = 0; index < 3; index += 1) yield new Uint8Array(100);
        })(),
        close: async () => undefined,
      }),
    };
    const job = await jobs.enqueue(source);
    const seen: JobEvent[] = [];
    const following = follow(job.events(), seen);
    const attempt = await call(0);
    if (attempt.source.kind === 'url') throw new Error('not uploaded');
    const { chunks } = await attempt.source.open();
    const reading = chunks[Symbol.asyncIterator]();
    await reading.next();
    await reading.next();
    await clock.advance(500);
    await reading.next();
    await reading.next();
    await clock.advance(500);
    attempt.resolve();
    await following;
    const progress = seen.flatMap((event) => (event.type === 'progress' ? [event.progress] : []));
    expect(progress).toEqual([
      { phase: 'uploading', sentBytes: 100, totalBytes: 300 },
      { phase: 'processing', sentBytes: 300, totalBytes: 300 },
    ]);
  });
});

describe('an ambiguous end', () => {
  it('of the last attempt within the total time says so once', async () => {
    const { jobs, call, eventsOf } = harness();
    const job = await jobs.enqueue(URL_SOURCE, { attempts: 1, totalTimeoutMs: 1000 });
    (await call(0)).reject(reset());
    await expect(job.result()).rejects.toMatchObject({ ambiguous: true });
    expect(eventsOf('warning')).toEqual([]);
  });
});

/** As if workers of other processes were on it as well. */
function distributedQueue(clock: ManualClock): QueueAdapter {
  const queue = createMemoryQueue({ clock });
  return {
    capabilities: { distributed: true, durable: false },
    add: (entries) => queue.add(entries),
    cancel: (id) => queue.cancel(id),
    startWorker: (handler, options) => queue.startWorker(handler, options),
    depth: () => queue.depth(),
    close: () => queue.close(),
  };
}

describe('perUserConcurrency', () => {
  it('keeps the jobs of one user from running all at once, and those of others running', async () => {
    const storage = createSharedStorage();
    const settings = { perUserConcurrency: 2, concurrency: 10, autoStart: false };
    const rigs = [0, 1].map(() => {
      const clock = new ManualClock();
      return harness({ clock, storage, settings, queue: distributedQueue(clock) });
    });
    const running = new Map<string, number>();
    let most = 0;
    let ended = 0;
    for (const { jobs } of rigs) {
      await jobs.enqueueMany(
        Array.from({ length: 12 }, (_, index) => ({
          source: URL_SOURCE,
          options: { userId: index < 9 ? 'greedy' : `user-${index}` },
        })),
      );
    }
    for (const { jobs } of rigs) jobs.startWorker();
    const look = (): void => {
      for (const rig of rigs) {
        for (const { options, resolve, context } of rig.calls.splice(0)) {
          const user = options.userId ?? '';
          running.set(user, (running.get(user) ?? 0) + 1);
          most = Math.max(most, running.get('greedy') ?? 0);
          rig.clock.setTimer(() => {
            running.set(user, (running.get(user) ?? 0) - 1);
            ended += 1;
            resolve(createTranscript(`tr_${context.jobId}`));
          }, 100);
        }
      }
    };
    for (let turn = 0; ended < 24 && turn < 5000; turn += 1) {
      look();
      await Promise.all(rigs.map(({ clock }) => clock.advance(50)));
    }
    expect(ended).toBe(24);
    expect(most).toBe(2);
  });
});
