import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import { createSqliteStorage } from '../../src/adapters/sqlite/index.js';
import type { AudioStore } from '../../src/contracts/audio-store.js';
import type { QueueAdapter } from '../../src/contracts/queue.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { QueueError } from '../../src/errors/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { createHarness, type Harness, type HarnessOptions, URL_SOURCE, upload } from './harness.js';

const open: Harness[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const rig of open.splice(0)) {
    const closed = rig.jobs.close({ timeoutMs: 1 }).then(() => true);
    while (!(await Promise.race([closed, rig.clock.advance(1).then(() => false)])));
  }
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

function harness(options: HarnessOptions = {}): Harness {
  const created = createHarness({ whole: true, settings: { autoStart: false }, ...options });
  open.push(created);
  return created;
}

async function sqlite(): Promise<StorageAdapter> {
  const folder = await mkdtemp(join(tmpdir(), 'enqueue-'));
  folders.push(folder);
  return createSqliteStorage({ path: join(folder, 'records.db') });
}

/** The queue in the process, with another `add`. */
function queueWith(
  add: (memory: QueueAdapter) => QueueAdapter['add'],
  clock = new ManualClock(),
): QueueAdapter {
  const memory = createMemoryQueue({ clock });
  return {
    capabilities: memory.capabilities,
    add: add(memory),
    cancel: (id) => memory.cancel(id),
    startWorker: (...args) => memory.startWorker(...args),
    depth: () => memory.depth(),
    close: () => memory.close(),
  };
}

const down = () => new QueueError('down', { code: 'queue_unavailable', retryable: true });

/** A storage whose transactions go through `transact`. */
function storageWith(
  transact: (real: NonNullable<StorageAdapter['transact']>) => StorageAdapter['transact'],
) {
  const memory = createMemoryStorage();
  const real = memory.transact?.bind(memory) as NonNullable<StorageAdapter['transact']>;
  const storage: StorageAdapter = { ...memory, transact: transact(real) as typeof real };
  return { memory, storage };
}

describe('a job that answers for two calls with one key', () => {
  it('stays where the queue refuses it to the first one', async () => {
    let refuse: (error: unknown) => void = () => undefined;
    let calls = 0;
    const queue = queueWith((memory) => (entries) => {
      calls += 1;
      if (calls > 1) return memory.add(entries);
      return new Promise((_, reject) => {
        refuse = reject;
      });
    });
    const rig = harness({ storage: await sqlite(), queue });
    const first = rig.jobs.enqueue(URL_SOURCE, { idempotencyKey: 'k' });
    await vi.waitFor(() => expect(calls).toBe(1));
    const second = await rig.jobs.enqueue(URL_SOURCE, { idempotencyKey: 'k' });
    refuse(down());
    expect((await first).id).toBe(second.id);
    expect(await second.status()).toMatchObject({ state: 'queued' });
  });

  it('stays where the first one is aborted', async () => {
    let land: () => void = () => undefined;
    const { memory, storage } = storageWith((real) => {
      let isFirst = true;
      return async (changes) => {
        const done = await real(changes);
        if (isFirst) {
          isFirst = false;
          await new Promise<void>((resolve) => {
            land = resolve;
          });
        }
        return done;
      };
    });
    const rig = harness({ storage });
    const stop = new AbortController();
    const first = rig.jobs.enqueue(URL_SOURCE, { idempotencyKey: 'k', signal: stop.signal });
    first.catch(() => undefined);
    await vi.waitFor(async () => expect((await memory.list('jobs', {})).items).toHaveLength(1));
    const second = await rig.jobs.enqueue(URL_SOURCE, { idempotencyKey: 'k' });
    stop.abort();
    land();
    await expect(first).rejects.toMatchObject({ name: 'AbortedError' });
    await rig.clock.advance(10);
    expect(await second.status()).toMatchObject({ state: 'queued' });
  });
});

describe('audio in a store', () => {
  it('is not let go of where somebody has begun its job', async () => {
    const deleted: string[] = [];
    const audioStore: AudioStore = {
      capabilities: { shared: true, durable: true },
      put: async () => ({ ref: 'aud_1', sizeBytes: 3 }),
      open: () => Promise.reject(new Error('not read')),
      delete: async (ref) => deleted.push(ref) > 0,
    };
    const { memory, storage } = storageWith((real) => {
      let hasLanded = false;
      return async (changes) => {
        const done = await real(changes);
        if (hasLanded) return done;
        hasLanded = true;
        // While the answer is on its way a worker begins the job.
        const [record] = (await memory.list('jobs', {})).items;
        if (record !== undefined) {
          const data = { ...(record.data as object), state: 'active', attempts: 1 };
          await memory.put({ ...record, status: 'active', data });
        }
        throw new Error('connection lost');
      };
    });
    const rig = harness({ storage, audioStore });
    await expect(rig.jobs.enqueue(upload('stream'))).rejects.toThrow();
    await rig.clock.advance(0);
    expect((await memory.list('jobs', {})).items).toHaveLength(1);
    expect(deleted).toEqual([]);
  });

  it('is let go of where it turns out that the key was used for other audio', async () => {
    const kept = new Set<string>();
    let puts = 0;
    let finish: () => void = () => undefined;
    const audioStore: AudioStore = {
      capabilities: { shared: true, durable: true },
      async put() {
        puts += 1;
        const ref = `aud_${puts}`;
        kept.add(ref);
        if (puts === 1) {
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
        }
        return { ref, sizeBytes: 3 };
      },
      open: () => Promise.reject(new Error('not read')),
      delete: async (ref) => kept.delete(ref),
    };
    const rig = harness({ audioStore });
    const audio = (byte: number) => ({
      ...upload('reopenable-stream'),
      open: async () => ({
        chunks: (async function* () {
          yield new Uint8Array([byte]);
        })(),
        close: async () => undefined,
      }),
    });
    const slow = rig.jobs.enqueue(audio(1), { idempotencyKey: 'k' });
    slow.catch(() => undefined);
    await vi.waitFor(() => expect(puts).toBe(1));
    await rig.jobs.enqueue(audio(2), { idempotencyKey: 'k' });
    finish();
    await expect(slow).rejects.toMatchObject({ code: 'idempotency_conflict' });
    await rig.clock.advance(0);
    expect([...kept]).toEqual(['aud_2']);
  });
});

describe('what a job may be told', () => {
  it.each([
    ['metadata', { metadata: { text: 'x'.repeat(70_000) } }, /metadata .* at most 65536 bytes/],
    ['options', { keyterm: Array.from({ length: 3000 }, () => 'x'.repeat(100)) }, /at most 262144 bytes/],
  ])('is refused where it is too long: %s', async (_, options, message) => {
    const { jobs, storage } = harness();
    await expect(jobs.enqueue(URL_SOURCE, options)).rejects.toMatchObject({
      name: 'BadRequestError',
      code: 'invalid_option',
      message: expect.stringMatching(message),
    });
    expect((await storage.list('jobs', {})).items).toEqual([]);
  });
});

describe('the outbox of many jobs', () => {
  it('has one item for 500 of them, and loses none that the queue does not take', async () => {
    const clock = new ManualClock();
    const storage = await sqlite();
    let isDown = true;
    const got = new Set<string>();
    const queue = queueWith(
      () => async (entries) => {
        if (isDown) throw down();
        for (const { id } of entries) got.add(id.replace(/-\d+$/, ''));
      },
      clock,
    );
    const settings = { whenDown: 'keep', autoStart: false } as const;
    const rig = harness({ storage, clock, queue, settings });
    const jobs = await rig.jobs.enqueueMany(
      Array.from({ length: 1201 }, () => ({ source: URL_SOURCE, options: {} })),
    );
    expect((await storage.list('outbox', {})).items).toHaveLength(3);
    isDown = false;
    await clock.advance(3000);
    await vi.waitFor(() => expect(got.size).toBe(1201));
    expect([...got].sort()).toEqual(jobs.map(({ id }) => id).sort());
    await vi.waitFor(async () => expect((await storage.list('outbox', {})).items).toEqual([]));
  });

  it('is taken over once, however long the queue is down', async () => {
    const clock = new ManualClock();
    const storage = await sqlite();
    const queue = queueWith(() => () => Promise.reject(down()), clock);
    const rig = harness({ storage, clock, queue, settings: { whenDown: 'keep', autoStart: false } });
    const { id } = await rig.jobs.enqueue(URL_SOURCE);
    rig.jobs.startWorker();
    for (let second = 0; second < 600; second += 1) await clock.advance(1000);
    expect((await storage.get('jobs', id))?.version).toBe(2);
  });

  it('is gone with its jobs where the call is aborted after the write', async () => {
    const storage = await sqlite();
    const stop = new AbortController();
    const late: StorageAdapter = {
      ...storage,
      async transact(changes) {
        const done = await storage.transact?.(changes);
        if (changes.length > 1000) stop.abort();
        return done ?? false;
      },
    };
    const rig = harness({ storage: late });
    const calling = rig.jobs.enqueueMany(
      Array.from({ length: 1201 }, () => ({ source: URL_SOURCE, options: { signal: stop.signal } })),
    );
    await expect(calling).rejects.toMatchObject({ name: 'AbortedError' });
    await vi.waitFor(async () => {
      expect((await storage.list('jobs', {})).items).toEqual([]);
      expect((await storage.list('outbox', {})).items).toEqual([]);
    });
  });
});
