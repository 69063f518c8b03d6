import type { Clock, QueueAdapter } from 'transcription-client';
import { expect } from 'vitest';
import { entry } from '../../../src/testing/contract/queue-rig.js';
import { ManualClock } from '../../support/manual-clock.js';

const CONCURRENCY = 4;
const WORK_MS = 100;

/** Ten entries of one group, with a long row of another one before them, end within twice the time that they need. */
export async function expectFairness(create: (clock: Clock) => QueueAdapter): Promise<void> {
  const aloneMs = await durationOfTen(create, 0);
  expect(aloneMs).toBe(Math.ceil(10 / CONCURRENCY) * WORK_MS);
  expect(await durationOfTen(create, 10_000)).toBeLessThanOrEqual(2 * aloneMs);
}

/** From their arrival to the end of the last one. */
async function durationOfTen(create: (clock: Clock) => QueueAdapter, others: number): Promise<number> {
  const clock = new ManualClock();
  const queue = create(clock);
  const endedAt: number[] = [];
  await queue.add(Array.from({ length: others }, (_, index) => entry(`a${index}`, { group: 'a' })));
  queue.startWorker(
    ({ group }) =>
      new Promise((resolve) => {
        clock.setTimer(() => {
          if (group === 'b') endedAt.push(clock.monotonicMs());
          resolve({ type: 'done' });
        }, WORK_MS);
      }),
    { concurrency: CONCURRENCY, onError: (error) => expect.fail(String(error)) },
  );
  await turns();
  for (let step = 0; step < 20; step += 1) await pass(clock);
  const addedAt = clock.monotonicMs();
  await queue.add(Array.from({ length: 10 }, (_, index) => entry(`b${index}`, { group: 'b' })));
  await turns();
  for (let step = 0; step < 100 && endedAt.length < 10; step += 1) await pass(clock);
  expect(endedAt).toHaveLength(10);
  const closing = queue.close();
  await clock.advance(1000);
  await closing;
  return Math.max(...endedAt) - addedAt;
}

/** What ends at a time is followed by others at the same time. */
async function pass(clock: ManualClock): Promise<void> {
  await clock.advance(WORK_MS / 2);
  await turns();
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
