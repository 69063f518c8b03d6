import { afterEach, describe, expect, it, vi } from 'vitest';
import type { QueueEntry } from '../../src/contracts/queue.js';
import { isoTime } from '../../src/queue/context.js';
import { earlyMs, toEntry } from '../../src/queue/entry.js';
import { ManualClock } from '../support/manual-clock.js';
import { createHandQueue, createSharedStorage } from './hand-queue.js';
import { createHarness, type Harness, type HarnessOptions, URL_SOURCE, unavailable } from './harness.js';

const HOUR_MS = 3_600_000;

const open: Harness[] = [];

function harness(options: HarnessOptions = {}): Harness {
  const created = createHarness(options);
  open.push(created);
  return created;
}

afterEach(async () => {
  for (const { jobs } of open.splice(0)) await jobs.close({ timeoutMs: 0 });
});

function handRig() {
  const hand = createHandQueue();
  const rig = harness({ whole: true, storage: createSharedStorage(), queue: hand.queue });
  rig.jobs.startWorker();
  const run = (entry: QueueEntry | undefined) =>
    entry && hand.state.handler?.(entry, new AbortController().signal);
  return { ...rig, added: hand.added, run };
}

function entryOf(times: { runAt: string; delayMs?: number; endsBy?: string }, nowMs: number): QueueEntry {
  const data = { round: 0, priority: 0, ...times };
  return toEntry({ id: 'job_1', data: data as never }, nowMs);
}

describe('the entry of a job', () => {
  const clock = new ManualClock();
  const now = clock.wallMs();

  it('waits for the rest of its time', () => {
    expect(entryOf({ runAt: isoTime(clock, 7000), delayMs: 10_000 }, now).delayMs).toBe(7000);
    expect(entryOf({ runAt: isoTime(clock, -1), delayMs: 10_000 }, now).delayMs).toBe(0);
  });

  it('waits for no more than was asked for where the clock was set back', () => {
    expect(entryOf({ runAt: isoTime(clock, HOUR_MS), delayMs: 0 }, now).delayMs).toBe(0);
    expect(entryOf({ runAt: isoTime(clock, HOUR_MS), delayMs: 500 }, now).delayMs).toBe(500);
    // Of an older version of the library.
    expect(entryOf({ runAt: isoTime(clock, HOUR_MS) }, now).delayMs).toBe(HOUR_MS);
  });

  it('comes up when the time of the whole job is over', () => {
    const times = { runAt: isoTime(clock, HOUR_MS), delayMs: HOUR_MS };
    expect(entryOf({ ...times, endsBy: isoTime(clock, 1000) }, now).delayMs).toBe(1000);
    expect(entryOf({ ...times, endsBy: isoTime(clock, -1000) }, now).delayMs).toBe(0);
  });

  it('is early by what is left of its wait, and never by more', () => {
    expect(earlyMs({ runAt: isoTime(clock, 7000), delayMs: 10_000 }, now)).toBe(7000);
    expect(earlyMs({ runAt: isoTime(clock, HOUR_MS), delayMs: 10_000 }, now)).toBe(0);
  });
});

describe('an entry that comes early', () => {
  it('waits for its time', async () => {
    const rig = handRig();
    await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: { delayMs: HOUR_MS } }]);
    await rig.clock.advance(1000);
    expect(await rig.run(rig.added[0])).toEqual({ type: 'again', delayMs: HOUR_MS - 1000 });
    await rig.clock.advance(HOUR_MS - 1000 - 50);
    void rig.run(rig.added[0]);
    (await rig.call(0)).resolve();
  });

  it('waits no longer than for the time of the whole job, and fails then', async () => {
    const rig = handRig();
    const options = { delayMs: HOUR_MS, totalTimeoutMs: 5000 };
    const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options }]))[0];
    expect(rig.added[0]?.delayMs).toBe(5000);
    expect(await rig.run(rig.added[0])).toEqual({ type: 'again', delayMs: 5000 });
    await rig.clock.advance(5000);
    await rig.run(rig.added[0]);
    expect(await job?.status()).toMatchObject({ state: 'failed', error: { code: 'timeout' } });
  });
});

it('a retry is not later where the clock was set back meanwhile', async () => {
  const rig = harness();
  const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
  (await rig.call(0)).reject(unavailable());
  await vi.waitFor(async () => expect(await job?.status()).toMatchObject({ state: 'queued' }));
  rig.clock.setWall(rig.clock.wallMs() - HOUR_MS);
  await rig.clock.advance(10_000);
  (await rig.call(1)).resolve();
  await job?.result();
});

it('a job that waits for its callback waits no hour longer where the clock was set back', async () => {
  const rig = handRig();
  const { clock } = rig;
  const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: { attempts: 1 } }]))[0];
  const stored = await rig.storage.get('jobs', job?.id ?? '');
  if (stored === undefined) throw new Error('there is no job');
  const waiting = {
    ...(stored.data as object),
    state: 'active',
    attempts: 1,
    startedAt: isoTime(clock),
    submittedAt: isoTime(clock),
    runAt: isoTime(clock, 60_000),
    delayMs: 60_000,
  };
  await rig.storage.put({ ...stored, status: 'active', data: waiting });
  await clock.advance(60_000);
  clock.setWall(clock.wallMs() - HOUR_MS);
  await rig.run(rig.added[0]);
  expect(await job?.status()).toMatchObject({ state: 'failed', error: { code: 'timeout' } });
});

it.each([HOUR_MS, -HOUR_MS])(
  'a clock that jumps by %i ms in an attempt takes nothing from the total time',
  async (jumpMs) => {
    const rig = harness();
    const options = { totalTimeoutMs: HOUR_MS / 2, attempts: 20 };
    const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options }]))[0];
    const call = await rig.call(0);
    await rig.clock.advance(60_000);
    rig.clock.setWall(rig.clock.wallMs() + jumpMs);
    call.reject(unavailable());
    await rig.clock.advance(10_000);
    const left = HOUR_MS / 2 - 70_000;
    const second = await rig.call(1);
    expect(second.options.timeoutMs).toBe(left);
    await rig.clock.advance(left - 10_000);
    second.reject(unavailable());
    await expect(job?.result()).rejects.toMatchObject({ code: 'timeout' });
  },
);

it('a total time as long as can be does not end the job at once', async () => {
  const rig = harness();
  const options = { totalTimeoutMs: Number.MAX_SAFE_INTEGER };
  const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options }]))[0];
  (await rig.call(0)).resolve();
  await job?.result();
  expect(isoTime(rig.clock, Number.MAX_SAFE_INTEGER)).toBe('9999-12-31T23:59:59.999Z');
});
