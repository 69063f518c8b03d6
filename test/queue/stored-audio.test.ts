import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { AudioStore } from '../../src/contracts/audio-store.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { ManualClock } from '../support/manual-clock.js';
import { createHarness, type Harness, type HarnessOptions, upload } from './harness.js';

const never = (): Promise<never> => new Promise(() => undefined);

const open: Harness[] = [];
let clock: ManualClock;
let kept: Set<string>;

beforeEach(() => {
  clock = new ManualClock();
  kept = new Set();
});

afterEach(async () => {
  const closing = open.splice(0).map(({ jobs }) => jobs.close({ timeoutMs: 1 }));
  const closed = Promise.all(closing).then(() => true);
  while (!(await Promise.race([closed, clock.advance(1).then(() => false)])));
  expect(clock.pendingTimers).toBe(0);
});

function harness(options: HarnessOptions = {}): Harness {
  const created = createHarness({ clock, whole: true, ...options });
  open.push(created);
  return created;
}

/** Keeps the names of what is kept. */
function audioStore(changes: Partial<AudioStore> = {}): AudioStore {
  return {
    capabilities: { shared: false, durable: true },
    async put(audio) {
      let sizeBytes = 0;
      for await (const chunk of audio) sizeBytes += chunk.byteLength;
      const ref = `aud_${kept.size}`;
      kept.add(ref);
      return { ref, sizeBytes };
    },
    open: async () => ({
      chunks: (async function* () {
        yield new Uint8Array([1]);
      })(),
      close: async () => undefined,
    }),
    delete: async (ref) => kept.delete(ref),
    ...changes,
  };
}

describe('audio in a store', () => {
  it('stays until the end of its job is stored', async () => {
    const memory = createMemoryStorage();
    let isBroken = false;
    const storage: StorageAdapter = {
      ...memory,
      put: (...args) => (isBroken ? Promise.reject(new Error('no')) : memory.put(...args)),
      transact: async (changes) => {
        if (isBroken) throw new Error('no');
        return (await memory.transact?.(changes)) ?? false;
      },
    };
    const { jobs, call } = harness({ storage, audioStore: audioStore() });
    const job = await jobs.enqueue(upload('bytes'));
    const first = await call(0);
    isBroken = true;
    first.resolve();
    await clock.advance(1000);
    await vi.waitFor(async () => expect(await job.status()).toMatchObject({ state: 'completed' }));
    expect((await memory.get('jobs', job.id))?.status).toBe('active');
    expect(kept.size).toBe(1);
    isBroken = false;
    await clock.advance(6000);
    await vi.waitFor(() => expect(kept.size).toBe(0));
    expect((await memory.get('jobs', job.id))?.status).toBe('completed');
  });

  it('of a store that hangs before it gives a URL, holds no worker', async () => {
    const url = vi.fn(never);
    const { jobs } = harness({ audioStore: audioStore({ url }), settings: { attempts: 1 } });
    const job = await jobs.enqueue(upload('bytes'));
    await vi.waitFor(() => expect(url).toHaveBeenCalled());
    await clock.advance(31_000);
    await expect(job.result()).rejects.toMatchObject({ code: 'timeout' });
  });

  it.each([
    ['a source that does not open', upload('bytes'), audioStore()],
    [
      'a store that stands still',
      upload('bytes'),
      audioStore({ put: (_audio, options) => untilAborted(options) }),
    ],
  ])('an abort ends enqueue() over %s', async (_what, source, store) => {
    const { jobs } = harness({ audioStore: store, settings: { autoStart: false } });
    const controller = new AbortController();
    const stuck = _what.startsWith('a source') ? { ...source, open: never } : source;
    const call = jobs.enqueue(stuck, { signal: controller.signal });
    const failed = expect(call).rejects.toMatchObject({ code: 'aborted' });
    await new Promise(setImmediate);
    controller.abort();
    await failed;
    expect((await jobs.list()).items).toEqual([]);
  });

  it('one failure ends enqueueMany(), beside audio that stands still', async () => {
    const { jobs } = harness({ audioStore: audioStore(), settings: { autoStart: false } });
    const broken = { ...upload('bytes'), open: () => Promise.reject(new Error('broken')) };
    const stuck = { ...upload('bytes'), open: never };
    const items = [upload('bytes'), stuck, broken].map((source) => ({ source, options: {} }));
    await expect(jobs.enqueueMany(items)).rejects.toThrow('broken');
    await vi.waitFor(() => expect(kept.size).toBe(0));
  });

  it('the close ends an upload that stands still', async () => {
    const { jobs } = harness({ audioStore: audioStore(), settings: { autoStart: false } });
    const call = jobs.enqueue({ ...upload('bytes'), open: never });
    const failed = expect(call).rejects.toMatchObject({ code: 'client_closed' });
    const closing = jobs.close({ timeoutMs: 500 });
    await clock.advance(500);
    await failed;
    await closing;
  });
});

function untilAborted(options: { readonly signal?: AbortSignal } = {}): Promise<never> {
  return new Promise((_resolve, reject) => {
    options.signal?.addEventListener('abort', () => reject(options.signal?.reason));
  });
}
