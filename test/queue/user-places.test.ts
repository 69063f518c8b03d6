import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import { JobStore } from '../../src/queue/job-store.js';
import type { JobRecord } from '../../src/queue/record.js';
import { UserPlaces } from '../../src/queue/user-places.js';
import { ManualClock } from '../support/manual-clock.js';
import { createHandQueue, createSharedStorage } from './hand-queue.js';
import { createHarness, type Harness, type HarnessOptions, URL_SOURCE } from './harness.js';

const open: Harness[] = [];

function harness(options: HarnessOptions): Harness {
  const created = createHarness({ whole: true, ...options });
  open.push(created);
  return created;
}

afterEach(async () => {
  for (const { jobs } of open.splice(0)) await jobs.close({ timeoutMs: 0 });
});

describe('the row of jobs that wait for a place', () => {
  async function createRig() {
    const clock = new ManualClock();
    const storage = createSharedStorage();
    const { queue } = createHandQueue();
    const places = new UserPlaces(new JobStore(storage), 1, () => 1);
    const data = { v: 1, state: 'active', round: 0, runAt: new Date(clock.wallMs()).toISOString() };
    const createdAt = data.runAt;
    await storage.put({
      collection: 'jobs',
      id: 'job_running',
      userId: 'u',
      status: 'active',
      createdAt,
      data,
    });
    const pauseFor = (id: string) =>
      places.pauseFor({ id, userId: 'u', data } as never as JobRecord, { clock, queue });
    return { clock, places, pauseFor };
  }

  it('makes pauses longer, and does so no more when its jobs have not come back', async () => {
    const { clock, pauseFor } = await createRig();
    for (let index = 0; index < 200; index += 1) await pauseFor(`job_${index}`);
    expect(await pauseFor('job_last')).toBe(60_000);
    await clock.advance(119_999);
    expect(await pauseFor('job_last')).toBe(60_000);
    await clock.advance(1);
    // The 200 are gone: cancelled, or running elsewhere.
    expect(await pauseFor('job_last')).toBe(500);
  });

  it('loses a job that ends', async () => {
    const { places, pauseFor } = await createRig();
    for (let index = 0; index < 4; index += 1) await pauseFor(`job_${index}`);
    expect(await pauseFor('job_last')).toBe(2500);
    for (let index = 0; index < 4; index += 1) places.forget(`job_${index}`);
    expect(await pauseFor('job_last')).toBe(500);
  });
});

it('a job that a crashed process left active holds no place, where the queue is in the process', async () => {
  const storage = createMemoryStorage();
  const settings = { perUserConcurrency: 1 };
  const crashed = createHarness({ whole: true, storage, settings });
  await crashed.jobs.enqueueMany([{ source: URL_SOURCE, options: { userId: 'u' } }]);
  await crashed.call(0);
  const rig = harness({ storage, settings });
  const options = { userId: 'u' };
  await rig.jobs.enqueueMany([
    { source: URL_SOURCE, options },
    { source: URL_SOURCE, options },
  ]);
  await vi.waitFor(async () => {
    await rig.clock.advance(500);
    expect(rig.calls).toHaveLength(1);
  });
  await rig.clock.advance(5000);
  expect(rig.calls).toHaveLength(1);
  rig.calls[0]?.resolve();
  await vi.waitFor(async () => {
    await rig.clock.advance(500);
    expect(rig.calls).toHaveLength(2);
  });
});

it('a job that waits for a place fails when its total time is over', async () => {
  const rig = harness({ settings: { perUserConcurrency: 1, concurrency: 5 } });
  await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: { userId: 'u' } }]);
  await rig.call(0);
  const options = { userId: 'u', totalTimeoutMs: 1200 };
  const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options }]))[0];
  await vi.waitFor(async () => expect((await rig.queue.depth()).delayed).toBe(1));
  await rig.clock.advance(1200);
  await expect(job?.result()).rejects.toMatchObject({ code: 'timeout' });
});
