import { QueueError } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { Leases } from '../../src/adapters/bullmq/leases.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  DONE,
  entries,
  entry,
  FAULT_TIMES,
  type Recorded,
  recorder,
  redisRig,
  sleep,
  until,
} from './bullmq-rig.js';

const rig = redisRig();
const GRACE_MS = 250;

function expectLost(run: Recorded | undefined): void {
  const reason: unknown = run?.signal.reason;
  expect(reason).toBeInstanceOf(QueueError);
  expect(reason).toMatchObject({ code: 'lease_lost' });
}

describe('a worker that is cut off for longer than its lock', () => {
  it('is told in time, and only the one that took over completes', { timeout: 30_000 }, async () => {
    const name = rig.name();
    const proxy = await rig.proxy();
    const cut = rig.queue({ connection: proxy.url, name, ...FAULT_TIMES });
    const other = rig.queue({ name, ...FAULT_TIMES });
    const [first, second] = [recorder(), recorder()];
    cut.startWorker(first.handler, first.options(1));
    await cut.add([entry('a')]);
    const run = await first.run(0);
    // Its lease has been renewed by now.
    await sleep(1500);
    expect(run.signal.aborted).toBe(false);
    other.startWorker(second.handler, second.options(1));
    proxy.set({ up: { blackhole: true }, down: { blackhole: true } });
    const cutAt = performance.now();
    await until(() => run.signal.aborted);
    expect(performance.now() - cutAt).toBeLessThan(FAULT_TIMES.lockDurationMs + GRACE_MS);
    expectLost(run);
    const taken = await second.run(0);
    // The stale one ends while the other one runs: the entry stays where it is.
    run.end();
    proxy.heal();
    await sleep(500);
    expect(await other.depth()).toEqual({ waiting: 0, delayed: 0, active: 1 });
    expect(taken.signal.aborted).toBe(false);
    taken.end();
    await until(async () => (await other.depth()).active === 0);
    expect([first.runs.length, second.runs.length]).toEqual([1, 1]);
    // It works again.
    await other.add(entries(2));
    await until(() => first.runs.length + second.runs.length === 4);
  });

  it('drops the outcome again as well', { timeout: 30_000 }, async () => {
    const name = rig.name();
    const times = { lockDurationMs: 1000, stalledIntervalMs: 300 };
    const proxy = await rig.proxy();
    const cut = rig.queue({ connection: proxy.url, name, ...times });
    const [first, second] = [recorder(), recorder()];
    cut.startWorker(first.handler, first.options(1));
    await cut.add([entry('a')]);
    const run = await first.run(0);
    proxy.set({ up: { blackhole: true }, down: { blackhole: true } });
    const other = rig.queue({ name, ...times });
    other.startWorker(second.handler, second.options(1));
    (await second.run(0)).end();
    run.end({ type: 'again', delayMs: 0 });
    proxy.heal();
    await until(async () => (await other.depth()).active === 0);
    await sleep(300);
    expect(await other.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
    expect([first.runs.length, second.runs.length]).toEqual([1, 1]);
  });
});

describe('a lock that is gone', () => {
  it('by FLUSHALL aborts the run at the next renewal', async () => {
    const queue = rig.queue({ name: rig.name(), lockDurationMs: 4000, stalledIntervalMs: 500 });
    const { handler, options, run, runs } = recorder();
    queue.startWorker(handler, options(2));
    await queue.add([entry('a')]);
    const lost = await run(0);
    const before = await queue.epoch?.();
    await rig.server.client.flushall();
    await until(() => lost.signal.aborted, 2000);
    expectLost(lost);
    expect(await queue.epoch?.()).not.toBe(before);
    // It can be added again, while the old run has not ended.
    await queue.add([entry('a')]);
    const again = await run(1);
    lost.end();
    await sleep(100);
    expect(await queue.depth()).toMatchObject({ active: 1 });
    again.end();
    await until(async () => (await queue.depth()).active === 0);
    expect(runs.length).toBe(2);
  });

  it('because another one has it aborts the run at the next renewal', async () => {
    const name = rig.name();
    const queue = rig.queue({ name, lockDurationMs: 4000, stalledIntervalMs: 60_000 });
    const { handler, options, run } = recorder();
    queue.startWorker(handler, options(1));
    await queue.add([entry('a')]);
    const lost = await run(0);
    await rig.server.client.set(`bull:${name}:e_a:lock`, 'of another one', 'PX', 60_000);
    await until(() => lost.signal.aborted, 2000);
    expectLost(lost);
    lost.end();
    await sleep(100);
    expect(await queue.depth()).toMatchObject({ active: 1 });
  });
});

describe('a worker that runs for longer than its lock', () => {
  it('keeps its entries, and ends them', async () => {
    const name = rig.name();
    const times = { lockDurationMs: 500, stalledIntervalMs: 100 };
    const queue = rig.queue({ name, ...times });
    const other = rig.queue({ name, ...times });
    const [first, second] = [recorder(), recorder()];
    queue.startWorker(first.handler, first.options(10));
    await queue.add(entries(10));
    await first.run(9);
    other.startWorker(second.handler, second.options(10));
    await sleep(2000);
    expect(first.runs.filter(({ signal }) => signal.aborted)).toEqual([]);
    for (const { end } of first.runs) end();
    await until(async () => (await queue.depth()).active === 0);
    expect(second.runs.length).toBe(0);
  });
});

describe('five answers in a row with the entry in them are lost', () => {
  it('and no entry ends without a run', { timeout: 60_000 }, async () => {
    const name = rig.name();
    const keys = (id: string): string => `bull:${name}:${id}`;
    const { client } = rig.server;
    const queue = rig.queue({ name, lockDurationMs: 300, stalledIntervalMs: 50 });
    await queue.add(entries(20));
    // What Redis is left with when the answer to a fetch does not arrive: an active job with a lock that nobody
    // renews. Five times for each entry.
    for (let loss = 0; loss < 5; loss += 1) {
      for (let id = await client.rpoplpush(keys('wait'), keys('active')); id !== null; ) {
        await client.set(keys(`${id}:lock`), 'lost', 'PX', 1);
        id = await client.rpoplpush(keys('wait'), keys('active'));
      }
      const sweeper = rig.queue({ name, lockDurationMs: 300, stalledIntervalMs: 50 });
      const idle = sweeper.startWorker(() => new Promise(() => undefined), {
        concurrency: 1,
        onError: () => undefined,
      });
      await until(async () => Number(await client.hget(keys('e_e19'), 'stc')) > loss);
      await idle.close({ timeoutMs: 0 });
      await sweeper.close();
    }
    expect(await client.hget(keys('e_e0'), 'defa')).toBeNull();
    const ran = new Set<string>();
    queue.startWorker(
      async ({ id }) => {
        ran.add(id);
        return DONE;
      },
      { concurrency: 5, onError: (error) => expect.fail(String(error)) },
    );
    await until(() => ran.size === 20);
  });
});

describe('a lease that was long on its way', () => {
  it('ends in time, before younger ones', async () => {
    const clock = new ManualClock();
    const renew = (): Promise<never> => Promise.reject(new Error('It is down.'));
    const leases = new Leases({ clock, durationMs: 3000, renew });
    const lost: string[] = [];
    const hold = (jobId: string, leasedAtMs: number): void =>
      leases.hold({ jobId, token: jobId, leasedAtMs, isEnding: false, lose: () => lost.push(jobId) });
    await clock.advance(2000);
    hold('new', 2000);
    hold('slow', 100);
    await clock.advance(1099);
    expect(lost).toEqual([]);
    await clock.advance(1);
    expect(lost).toEqual(['slow']);
    await clock.advance(1900);
    expect(lost).toEqual(['slow', 'new']);
    leases.stop();
  });
});
