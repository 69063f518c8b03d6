import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createFileAudioStore } from '../../src/adapters/files/index.js';
import { AbortedError, TimeoutError } from '../../src/errors/index.js';
import {
  bytes,
  chunksOf,
  read,
  readRef,
  sameBytes,
  standingStill,
  watched,
} from '../../src/testing/contract/audio-store-samples.js';

/** What an abort may take. */
const ABORT_MS = 20;
const ROUNDS = 20;

const base = mkdtempSync(join(tmpdir(), 'transcription-client-puts-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let folders = 0;
function newStore() {
  const directory = join(base, String(++folders));
  const store = createFileAudioStore({ directory });
  const names = (): string[] => {
    try {
      return readdirSync(directory);
    } catch {
      return [];
    }
  };
  return { directory, store, names };
}

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  // Node tells of them after the turn in which they happened.
  await sleep(5);
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

const openFiles = (): number => readdirSync('/proc/self/fd').length;

describe('an abort', () => {
  it('is heard within 20 ms where the source stands still, and leaves nothing', async () => {
    const { store, names } = newStore();
    await store.put(chunksOf(bytes(10)));
    const [kept] = names();
    const took: number[] = [];
    let cleared = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const controller = new AbortController();
      const source = standingStill(bytes(1000));
      const putting = store.put(source, { signal: controller.signal });
      putting.catch(() => undefined);
      await vi.waitUntil(() => source.asked === 2, { interval: 1 });
      const abortedAt = performance.now();
      controller.abort();
      await expect(putting).rejects.toBeInstanceOf(AbortedError);
      took.push(performance.now() - abortedAt);
      if (names().length === 1) cleared += 1;
      expect(source.isReturned).toBe(true);
      await vi.waitUntil(() => names().length === 1, { interval: 1, timeout: 5000 });
    }
    expect(names()).toEqual([kept]);
    // Some may have met the garbage collector, or a disk that is busy.
    expect(took.sort((a, b) => a - b).at(-3)).toBeLessThan(ABORT_MS);
    expect(cleared).toBeGreaterThan(ROUNDS / 2);
  });

  it('is heard at any time of a put, which then leaves nothing, or all of it', async () => {
    const { store, names } = newStore();
    let aborted = 0;
    const refs: string[] = [];
    for (let round = 0; round < 60; round++) {
      const controller = new AbortController();
      const putting = store.put(chunksOf(bytes(400_000), bytes(400_000)), { signal: controller.signal });
      putting.catch(() => undefined);
      for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      try {
        refs.push((await putting).ref);
      } catch (error) {
        expect(error).toBeInstanceOf(AbortedError);
        aborted += 1;
      }
    }
    // A disk that is slower than an abort may wait clears up behind it.
    await vi.waitUntil(() => names().length === refs.length, { interval: 5, timeout: 5000 });
    expect(names().sort()).toEqual(refs.sort());
    expect(aborted).toBeGreaterThan(0);
  });

  it('passes on a reason of our own', async () => {
    const { store } = newStore();
    const reason = new TimeoutError('The deadline passed.', { code: 'timeout' });
    await expect(store.put(standingStill(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('leaves nobody listening to the signal', async () => {
    const { store } = newStore();
    const { signal } = new AbortController();
    const listening = { added: 0, removed: 0 };
    vi.spyOn(signal, 'addEventListener').mockImplementation(function (this: AbortSignal, ...args: unknown[]) {
      listening.added += 1;
      return Reflect.apply(AbortSignal.prototype.addEventListener, this, args);
    });
    vi.spyOn(signal, 'removeEventListener').mockImplementation(function (
      this: AbortSignal,
      ...args: unknown[]
    ) {
      listening.removed += 1;
      return Reflect.apply(AbortSignal.prototype.removeEventListener, this, args);
    });
    for (let round = 0; round < 20; round++) await store.put(chunksOf(bytes(100)), { signal });
    expect(listening.added).toBeGreaterThan(0);
    expect(listening.removed).toBe(listening.added);
  });
});

describe('a source', () => {
  it.each<[string, unknown]>([
    ['an Error', new Error('broken')],
    ['an error like that of a full disk', Object.assign(new Error('broken'), { code: 'ENOSPC' })],
    ['a text', 'broken'],
    ['undefined', undefined],
  ])('that fails with %s rejects the put with that, and leaves nothing', async (_what, reason) => {
    const { store, names } = newStore();
    const source = watched([bytes(1000)], () => Promise.reject(reason));
    const settled = await store.put(source).then(
      () => 'resolved',
      (error: unknown) => ({ error }),
    );
    expect(settled).toEqual({ error: reason });
    expect(names()).toEqual([]);
  });

  it('that cannot be let go of, and fails after the abort, hides nothing', async () => {
    const { store, names } = newStore();
    const returns = [
      () => Promise.reject(new Error('cannot be returned')),
      () => {
        throw new Error('cannot be returned');
      },
      () => new Promise<never>(() => undefined),
      undefined,
    ];
    for (const giveBack of returns) {
      const controller = new AbortController();
      let fail: (error: Error) => void = () => undefined;
      const source = {
        [Symbol.asyncIterator]: () => ({
          next: () =>
            new Promise<never>((_resolve, reject) => {
              fail = reject;
            }),
          ...(giveBack && { return: giveBack }),
        }),
      };
      const putting = store.put(source, { signal: controller.signal });
      putting.catch(() => undefined);
      await vi.waitUntil(() => names().length === 1, { interval: 1 });
      controller.abort();
      await expect(putting).rejects.toBeInstanceOf(AbortedError);
      fail(new Error('too late'));
      await vi.waitUntil(() => names().length === 0, { interval: 1 });
    }
  });

  it('is asked for a chunk when the file has all those before', async () => {
    const { store, directory, names } = newStore();
    const sizes: number[] = [];
    const audio = (async function* () {
      for (const size of [1000, 3_000_000, 1, 20_000]) {
        yield bytes(size);
        sizes.push(statSync(join(directory, names()[0] ?? '')).size);
      }
    })();
    await store.put(audio);
    expect(sizes).toEqual([1000, 3_001_000, 3_001_001, 3_021_001]);
  });

  it('that delivers something else than bytes is refused', async () => {
    const { store, names } = newStore();
    for (const chunk of ['text', null, 12, {}]) {
      const source = Readable.from([bytes(10), chunk].filter((item) => item !== null));
      const given =
        chunk === null ? watched([null as unknown as Uint8Array], async () => Promise.reject()) : source;
      await expect(store.put(given as AsyncIterable<Uint8Array>)).rejects.toMatchObject({
        code: 'unsupported_source',
      });
    }
    expect(names()).toEqual([]);
  });

  it('may be a stream of Node, which is destroyed where the put is aborted, also before it was read', async () => {
    const { store } = newStore();
    const controller = new AbortController();
    const stream = new PassThrough();
    stream.write(bytes(10));
    const putting = store.put(stream, { signal: controller.signal });
    putting.catch(() => undefined);
    await vi.waitUntil(() => stream.readableLength === 0, { interval: 1 });
    controller.abort();
    await expect(putting).rejects.toBeInstanceOf(AbortedError);
    expect(stream.destroyed).toBe(true);

    const unread = new PassThrough();
    await expect(store.put(unread, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(AbortedError);
    expect(unread.destroyed).toBe(true);
  });

  it('may be a stream of Node that breaks before it is read', async () => {
    const { store, names } = newStore();
    const stream = new PassThrough();
    const putting = store.put(stream);
    stream.destroy(new Error('the socket broke'));
    await expect(putting).rejects.toThrow('the socket broke');
    expect(names()).toEqual([]);
  });
});

describe('files', () => {
  it('are all closed in the end, however a put or a read ends', async () => {
    const { store, directory } = newStore();
    const { ref } = await store.put(chunksOf(bytes(1_000_000)));
    const before = openFiles();
    for (let round = 0; round < 10; round++) {
      await store.put(watched([bytes(10)], () => Promise.reject(new Error('broken')))).catch(() => undefined);
      await store.put(chunksOf()).catch(() => undefined);
      const unread = await store.open(ref);
      await unread.close();
      await readRef(store, ref);
      const left = await store.open(ref);
      for await (const _chunk of left.chunks) break;
      await store.open(`aud_${'0'.repeat(32)}`).catch(() => undefined);
      writeFileSync(join(directory, `aud_${'1'.repeat(32)}`), '');
      await store.open(`aud_${'1'.repeat(32)}`).catch(() => undefined);
      await store.health?.();
      await store.purge?.({ createdBefore: '2000-01-01T00:00:00.000Z' });
    }
    expect(openFiles()).toBe(before);
  });

  it('that were closed in the middle of a read end it with an error, never as if they were complete', async () => {
    const { store } = newStore();
    const { ref } = await store.put(chunksOf(bytes(1_000_000)));
    const opened = await store.open(ref);
    const reading = (async () => {
      for await (const _chunk of opened.chunks) await opened.close();
    })();
    await expect(reading).rejects.toMatchObject({ name: 'StorageError', code: 'storage_failed' });
  });

  it('that became shorter are damaged', async () => {
    const { store, directory } = newStore();
    const { ref } = await store.put(chunksOf(bytes(1_000_000)));
    const opened = await store.open(ref);
    writeFileSync(join(directory, ref), bytes(300_000));
    await expect(read(opened)).rejects.toMatchObject({ name: 'StorageError', code: 'storage_corrupt' });
  });

  it('that are deleted while they are open are read to their end', async () => {
    const { store } = newStore();
    const audio = bytes(1_000_000);
    const { ref } = await store.put(chunksOf(audio));
    const opened = await store.open(ref);
    expect(await store.delete(ref)).toBe(true);
    sameBytes(await read(opened), audio);
  });
});
