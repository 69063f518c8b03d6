import { afterEach, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import type { QueueAdapter } from '../../src/contracts/queue.js';
import { ManualClock } from '../support/manual-clock.js';
import { createHarness, type Harness, type HarnessOptions, URL_SOURCE } from './harness.js';

const open: Harness[] = [];

function harness(options: HarnessOptions = {}): Harness {
  const created = createHarness(options);
  open.push(created);
  return created;
}

afterEach(async () => {
  for (const { jobs } of open.splice(0)) await jobs.close({ timeoutMs: 0 });
});

it('of two cancels in one millisecond one is told that it did it', async () => {
  const rig = harness({ settings: { autoStart: false } });
  const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
  const told = await Promise.all([job?.cancel(), job?.cancel()]);
  expect(told.filter(Boolean)).toHaveLength(1);
  expect(rig.statesOf(job?.id ?? '')).toEqual(['queued', 'cancelled']);
});

it('of two retries in one millisecond the failure of one does not undo the other', async () => {
  const clock = new ManualClock();
  const memory = createMemoryQueue({ clock });
  let adds = 0;
  const queue: QueueAdapter = {
    capabilities: memory.capabilities,
    add: async (entries) => {
      adds += 1;
      if (adds === 3) throw new Error('down');
      await memory.add(entries);
    },
    cancel: (id) => memory.cancel(id),
    startWorker: (...args) => memory.startWorker(...args),
    depth: () => memory.depth(),
    close: () => memory.close(),
  };
  const rig = harness({ whole: true, clock, queue, settings: { autoStart: false } });
  const id = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0]?.id ?? '';
  await rig.jobs.cancel(id);
  const told = await Promise.allSettled([rig.jobs.retry(id), rig.jobs.retry(id)]);
  expect(told.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await rig.stored(id)).toMatchObject({ state: 'queued', round: 1 });
});

it('a cancel whose answer was lost is known again', async () => {
  const rig = harness({ settings: { autoStart: false } });
  const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
  rig.failNext('put jobs', 1, true);
  const cancelling = job?.cancel();
  await vi.waitFor(() => expect(rig.eventsOf('storage-failure')).toHaveLength(1));
  await rig.clock.advance(50);
  expect(await cancelling).toBe(true);
});

it('an entry that was cancelled in the queue alone ends its job although the storage failed at first', async () => {
  const rig = harness();
  const job = (await rig.jobs.enqueueMany([{ source: URL_SOURCE, options: {} }]))[0];
  await rig.call(0);
  rig.failNext('put jobs', 2);
  await rig.queue.cancel(job?.id ?? '');
  await rig.clock.advance(250);
  expect(await job?.status()).toMatchObject({ state: 'cancelled' });
});
