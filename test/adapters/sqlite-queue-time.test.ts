import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntryOutcome, QueueAdapter } from 'transcription-client';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createSqliteQueue } from '../../src/adapters/sqlite/index.js';
import { entry } from '../../src/testing/contract/queue-rig.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectFairness } from './queue-processes/fairness.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-queue-time-'));
let files = 0;
const newPath = (): string => join(folder, `queue-${++files}.db`);
const open: QueueAdapter[] = [];

afterEach(async () => {
  for (const queue of open.splice(0)) void queue.close();
});

afterAll(() => rmSync(folder, { recursive: true }));

const HOUR_MS = 3_600_000;

interface Run {
  readonly id: string;
  readonly signal: AbortSignal;
  readonly atMs: number;
  end(outcome?: EntryOutcome): void;
}

function setUp(path: string, clock: ManualClock, isWorking = true) {
  const queue = createSqliteQueue({ path, clock });
  open.push(queue);
  const runs: Run[] = [];
  if (isWorking) {
    queue.startWorker(
      ({ id }, signal) =>
        new Promise((resolve) => {
          runs.push({
            id,
            signal,
            atMs: clock.monotonicMs(),
            end: (outcome = { type: 'done' }) => resolve(outcome),
          });
        }),
      { concurrency: 4, onError: (error) => expect.fail(String(error)) },
    );
  }
  return { queue, runs };
}

/** In steps, so that what is found by looking at the file is found. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) await clock.advance(Math.min(500, ms - passed));
}

describe.each([HOUR_MS, -HOUR_MS])('a wall clock that is moved by %i ms', (shiftMs) => {
  it('ends no lease and keeps none', async () => {
    const path = newPath();
    const clock = new ManualClock();
    const first = setUp(path, clock);
    await first.queue.add([entry('a')]);
    await pass(clock, 1000);
    const second = setUp(path, clock);
    await pass(clock, 20_000);
    clock.setWall(clock.wallMs() + shiftMs);
    await pass(clock, 70_000);
    expect(first.runs[0]?.signal.aborted).toBe(false);
    expect(second.runs).toEqual([]);
    first.runs[0]?.end();
    await pass(clock, 1000);
    expect(await first.queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
  });

  it('changes no delay, neither of an entry that was added nor of one that runs again', async () => {
    const path = newPath();
    const clock = new ManualClock();
    const producer = setUp(path, clock, false);
    const worker = setUp(path, clock);
    await worker.queue.add([entry('own', { delayMs: 60_000 }), entry('again')]);
    await producer.queue.add([entry('other', { delayMs: 60_000 })]);
    await pass(clock, 1000);
    worker.runs[0]?.end({ type: 'again', delayMs: 59_000 });
    await pass(clock, 500);
    clock.setWall(clock.wallMs() + shiftMs);
    await pass(clock, 58_000);
    expect(worker.runs.map(({ id }) => id)).toEqual(['again']);
    expect(await worker.queue.depth()).toEqual({ waiting: 0, delayed: 3, active: 0 });
    await pass(clock, 1000);
    expect(worker.runs.map(({ id }) => id).sort()).toEqual(['again', 'again', 'other', 'own']);
  });
});

describe('a wall clock that was set back while nobody had the file open', () => {
  it('lets nothing wait for longer than it was told to', async () => {
    const path = newPath();
    const clock = new ManualClock();
    const before = setUp(path, clock, false);
    await before.queue.add([entry('a', { delayMs: 5000 })]);
    await before.queue.close();
    clock.setWall(clock.wallMs() - HOUR_MS);
    const after = setUp(path, clock);
    await pass(clock, 5500);
    expect(after.runs.map(({ id }) => id)).toEqual(['a']);
  });
});

describe('a lease', () => {
  it('that nobody renews is over after its time, on the clock of who waits for it', async () => {
    const path = newPath();
    const [dead, alive] = [new ManualClock(), new ManualClock()];
    const first = setUp(path, dead);
    await first.queue.add([entry('a')]);
    await pass(dead, 100);
    expect(first.runs).toHaveLength(1);
    const second = setUp(path, alive);
    await pass(alive, 29_000);
    expect(second.runs).toEqual([]);
    await pass(alive, 12_000);
    expect(second.runs.map(({ id }) => id)).toEqual(['a']);
    // Its own clock goes on.
    await pass(dead, 11_000);
    expect(first.runs[0]?.signal.reason).toMatchObject({ name: 'QueueError', code: 'lease_lost' });
    first.runs[0]?.end();
    await pass(dead, 1000);
    expect(await second.queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 1 });
    second.runs[0]?.end();
    await pass(alive, 1000);
    expect(await second.queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
  });

  it('of an entry that was cancelled takes the entry along', async () => {
    const path = newPath();
    const [dead, alive] = [new ManualClock(), new ManualClock()];
    const first = setUp(path, dead);
    await first.queue.add([entry('a'), entry('b')]);
    await pass(dead, 100);
    const second = setUp(path, alive);
    expect(await second.queue.cancel('a')).toBe(true);
    await pass(alive, 42_000);
    expect(second.runs.map(({ id }) => id)).toEqual(['b']);
    expect(await second.queue.missing?.(['a', 'b'])).toEqual(['a']);
  });
});

describe('groups in the queue in SQLite', () => {
  it('of 10,000 entries hold up ten of another one for no more than their own time', () =>
    expectFairness((clock) => createSqliteQueue({ path: newPath(), clock })));
});
