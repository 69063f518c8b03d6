import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createSqliteStorage } from '../../src/adapters/sqlite/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { createHandQueue, createSharedStorage } from './hand-queue.js';
import { createHarness, URL_SOURCE } from './harness.js';

let folder: string | undefined;

afterEach(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  folder = undefined;
});

describe('a close', () => {
  it('gives the queue, which is back, what it could not take before', async () => {
    folder = await mkdtemp(join(tmpdir(), 'close-'));
    const storage = createSqliteStorage({ path: join(folder, 'r.db') });
    const clock = new ManualClock();
    const hand = createHandQueue();
    let fault: string | undefined = 'down';
    const queue = {
      ...hand.queue,
      add: async (...args: Parameters<typeof hand.queue.add>) => {
        if (fault !== undefined) throw new Error(fault);
        await hand.queue.add(...args);
      },
      close: async () => {
        fault = 'closed';
      },
    };
    const settings = { whenDown: 'keep', autoStart: false } as const;
    const rig = createHarness({ whole: true, clock, storage, queue, settings });
    const { id } = await rig.jobs.enqueue(URL_SOURCE);
    expect(hand.added).toEqual([]);
    fault = undefined;
    await rig.jobs.close({ timeoutMs: 5000 });
    expect(hand.added.map((entry) => entry.id)).toEqual([id]);
    expect((await storage.list('outbox', {})).items).toEqual([]);
    await storage.close?.();
  });
});

describe('a worker that could not start as a whole', () => {
  it('leaves nothing behind that runs, and a later one can start', async () => {
    const clock = new ManualClock();
    const hand = createHandQueue();
    const rig = createHarness({ whole: true, clock, storage: createSharedStorage(), queue: hand.queue });
    const { startWorker } = rig.webhookQueue;
    rig.webhookQueue.startWorker = () => {
      throw new Error('no sender');
    };
    expect(() => rig.jobs.startWorker()).toThrow('no sender');
    await clock.advance(0);
    expect(hand.state.isWorkerClosed).toBe(true);
    expect(clock.pendingTimers).toBe(0);
    rig.webhookQueue.startWorker = startWorker;
    await rig.jobs.startWorker().close({ timeoutMs: 0 });
    await rig.jobs.close({ timeoutMs: 0 });
    expect(clock.pendingTimers).toBe(0);
  });
});
