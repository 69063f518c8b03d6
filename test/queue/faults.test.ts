import { expect, it } from 'vitest';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { BadRequestError, NetworkError, ProviderError, RateLimitError } from '../../src/errors/index.js';
import { createRandom } from '../../src/testing/emulator/faults-random.js';
import { createHarness, urlSource } from './harness.js';

const JOBS = 300;

/** Fails one operation in seven; half of those take effect all the same. */
function unreliable(storage: StorageAdapter, random: () => number, isOn: () => boolean): StorageAdapter {
  const run = async <Value>(act: () => Promise<Value>): Promise<Value> => {
    const fate = isOn() ? random() : 1;
    if (fate < 0.07) throw new Error('lost on the way there');
    const value = await act();
    if (fate < 0.14) throw new Error('lost on the way back');
    return value;
  };
  return {
    capabilities: storage.capabilities,
    get: (collection, id) => run(() => storage.get(collection, id)),
    put: (record, condition) => run(() => storage.put(record, condition)),
    list: (collection, query) => run(() => storage.list(collection, query)),
    delete: (collection, id, condition) => run(() => storage.delete(collection, id, condition)),
  };
}

const ERRORS = [
  () => new ProviderError('busy', { code: 'provider_unavailable', retryable: true }),
  () => new NetworkError('reset', { code: 'connection_closed', ambiguous: true }),
  () => new RateLimitError('slow down', { code: 'rate_limited', retryable: true, retryAfterMs: 300 }),
  () => new BadRequestError('wrong', { code: 'bad_request' }),
];

it('ends every job exactly once, and pays for none twice, while everything around it fails', async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));
  console.log(`seed ${seed} (set SEED to repeat)`);
  const random = createRandom(seed);
  let failing = false;
  const memory = createMemoryStorage();
  const paid = new Map<string, number>();
  const { jobs, clock, eventsOf } = createHarness({
    storage: unreliable(memory, random, () => failing),
    answer: ({ context, resolve, reject }) => {
      const fate = random();
      clock.setTimer(
        () => {
          const error = ERRORS[Math.floor(fate * 12)];
          if (error !== undefined) {
            reject(error());
            return;
          }
          if (!context.signal.aborted) paid.set(context.jobId, (paid.get(context.jobId) ?? 0) + 1);
          resolve();
        },
        Math.floor(fate * 2000),
      );
    },
  });
  const created = await jobs.enqueueMany(
    Array.from({ length: JOBS }, (_, index) => ({
      source: urlSource(String(index)),
      options: { priority: index % 3, delayMs: (index % 5) * 1000 },
    })),
  );
  failing = true;
  const cancelled = new Set<string>();
  for (const job of created) {
    if (random() > 0.2) continue;
    clock.setTimer(() => {
      job.cancel().then(
        (done) => done && cancelled.add(job.id),
        () => undefined,
      );
    }, random() * 60_000);
  }
  await clock.advance(600_000);
  failing = false;
  await clock.advance(600_000);

  const statuses = (await jobs.list({ limit: 1000 })).items;
  expect(statuses).toHaveLength(JOBS);
  for (const status of statuses) expect(['completed', 'failed', 'cancelled']).toContain(status.state);
  for (const id of cancelled) expect(statuses.find((status) => status.id === id)?.state).toBe('cancelled');
  for (const [id, times] of paid) expect(times, `${id} was paid ${times} times`).toBe(1);
  for (const { id, ...status } of statuses) {
    const ends = eventsOf('job').filter(({ jobId, durationMs }) => jobId === id && durationMs !== undefined);
    // A cancel whose answer was lost is reported by nobody; nothing else may be missing, and nothing doubled.
    expect(ends.length, id).toBeLessThanOrEqual(1);
    if (status.state !== 'cancelled') expect(ends, id).toMatchObject([{ state: status.state }]);
    if (status.state === 'completed') {
      expect((await memory.get('transcripts', status.transcriptId))?.data).toMatchObject({ jobId: id });
    }
  }
  expect(await jobs.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
  await jobs.close({ timeoutMs: 0 });
  expect(clock.pendingTimers).toBe(0);
});
