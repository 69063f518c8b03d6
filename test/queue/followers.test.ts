import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createSqliteQueue, createSqliteStorage } from '../../src/adapters/sqlite/index.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { TranscriptionClient } from '../../src/index.js';
import { createHandQueue, createSharedStorage } from './hand-queue.js';
import { createHarness, type Harness, URL_SOURCE } from './harness.js';

const notFound = { name: 'QueueError', code: 'job_not_found' };
const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function processOf(storage: StorageAdapter): Harness {
  const rig = createHarness({ whole: true, storage, queue: createHandQueue().queue });
  cleanUps.push(() => rig.jobs.close({ timeoutMs: 0 }));
  return rig;
}

/** What result() and events() of a job tell, from now on. */
async function follow(rig: Harness, id: string) {
  const job = await rig.jobs.get(id);
  if (job === undefined) throw new Error('there is no such job');
  const told = { result: undefined as unknown, events: undefined as unknown };
  job.result().catch((error) => {
    told.result = error;
  });
  const events = job.events()[Symbol.asyncIterator]();
  expect((await events.next()).value).toMatchObject({ type: 'queued' });
  events.next().catch((error: unknown) => {
    told.events = error;
  });
  return told;
}

describe('who follows a job that is removed before its end was heard of', () => {
  it('is told by the next look at the storage', async () => {
    const storage = createSharedStorage();
    const [here, elsewhere] = [processOf(storage), processOf(storage)];
    const { id } = await elsewhere.jobs.enqueue(URL_SOURCE);
    const told = await follow(here, id);
    await elsewhere.jobs.cancel(id);
    await elsewhere.jobs.remove(id);
    expect(told.result).toBeUndefined();
    for (let look = 0; look < 3; look += 1) await here.clock.advance(1000);
    expect(told).toMatchObject({ result: notFound, events: notFound });
    expect(here.clock.pendingTimers).toBe(0);
  });

  it('is told by the process that removes it', async () => {
    const storage = createSharedStorage();
    const [here, elsewhere] = [processOf(storage), processOf(storage)];
    const { id } = await elsewhere.jobs.enqueue(URL_SOURCE);
    const told = await follow(here, id);
    await elsewhere.jobs.cancel(id);
    await here.jobs.remove(id);
    await here.clock.advance(0);
    expect(told).toMatchObject({ result: notFound, events: notFound });
  });

  it('is told at once where the queue has a channel', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'followers-'));
    cleanUps.push(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, 'jobs.db');
    const storage = createSqliteStorage({ path });
    cleanUps.push(async () => storage.close?.());
    const open = () => {
      const queue = { adapter: createSqliteQueue({ path }), autoStart: false };
      const client = new TranscriptionClient({ apiKey: 'test', storage, queue });
      cleanUps.push(() => client.close({ timeoutMs: 0 }));
      return client;
    };
    const [here, elsewhere] = [open(), open()];
    const { id } = await elsewhere.enqueue('https://example.com/a.wav');
    const job = await here.jobs.get(id);
    const events = job?.events()[Symbol.asyncIterator]();
    expect((await events?.next())?.value).toMatchObject({ type: 'queued' });
    await elsewhere.jobs.cancel(id);
    const removed = elsewhere.jobs.remove(id);
    // The end itself may be heard of first, where it is read before the removal.
    const ended = await events?.next().then(
      ({ value }) => value?.type as string,
      (error) => error.code as string,
    );
    await removed;
    expect(['cancelled', 'job_not_found']).toContain(ended);
  }, 10_000);
});
