import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createS3AudioStore } from '../../src/adapters/s3/index.js';
import { AbortedError } from '../../src/errors/index.js';
import {
  bytes,
  chunksOf,
  failureOf,
  readRef,
  sameBytes,
  standingStill,
  watched,
} from '../../src/testing/contract/audio-store-samples.js';
import { type S3Server, startS3Server } from '../support/s3-server.js';

const MEBIBYTE = 1024 * 1024;

let server: S3Server;

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(async () => {
  process.on('unhandledRejection', note);
  server = await startS3Server();
});
afterEach(async () => {
  await nothingLeft().finally(() => server.close());
  // Node tells of them after the turn in which they happened.
  await sleep(5);
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

async function nothingLeft(): Promise<void> {
  await vi.waitUntil(() => server.keys().length === 0 && server.uploads().length === 0, { timeout: 5000 });
}

function newStore(config = {}) {
  return createS3AudioStore({
    client: server.client(config),
    bucket: server.bucket,
    partBytes: 5 * MEBIBYTE,
  });
}

/** Three parts and a bit. */
const LARGE = 16 * MEBIBYTE;

describe('an abort', () => {
  it('where the source stands still after some parts leaves no object and no upload', async () => {
    const controller = new AbortController();
    const source = standingStill(bytes(LARGE));
    const putting = newStore().put(source, { signal: controller.signal });
    putting.catch(() => undefined);
    await vi.waitUntil(() => server.uploads().length === 1 && source.asked === 2, { timeout: 5000 });
    const abortedAt = performance.now();
    controller.abort();
    await expect(putting).rejects.toBeInstanceOf(AbortedError);
    expect(performance.now() - abortedAt).toBeLessThan(1000);
    expect(source.isReturned).toBe(true);
    expect(server.uploads()).toEqual([]);
    expect(server.keys()).toEqual([]);
  });

  it.each([
    ['the only request', 'PUT object', 1000],
    ['the begin of the upload', 'POST uploads', LARGE],
    ['a part', 'PUT part', LARGE],
    ['the end of the upload', 'POST upload', LARGE],
  ])('while %s is under way leaves no object and no upload', async (_what, operation, size) => {
    const controller = new AbortController();
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let isHeld = false;
    server.hold = (seen) => {
      if (seen !== operation) return undefined;
      isHeld = true;
      return held;
    };
    const putting = newStore().put(chunksOf(bytes(size)), { signal: controller.signal });
    putting.catch(() => undefined);
    await vi.waitUntil(() => isHeld, { timeout: 5000 });
    controller.abort();
    letGo();
    await expect(putting).rejects.toBeInstanceOf(AbortedError);
    expect(server.uploads()).toEqual([]);
    expect(server.keys()).toEqual([]);
  });

  it('does not wait longer than two seconds for a server that does not answer, and clears up after that', {
    timeout: 30_000,
  }, async () => {
    const controller = new AbortController();
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    server.hold = (operation) => (operation === 'PUT object' ? held : undefined);
    const putting = newStore().put(chunksOf(bytes(1000)), { signal: controller.signal });
    putting.catch(() => undefined);
    await vi.waitUntil(() => server.operations.at(-1) === 'PUT object', { timeout: 5000 });
    const abortedAt = performance.now();
    controller.abort();
    await expect(putting).rejects.toBeInstanceOf(AbortedError);
    const took = performance.now() - abortedAt;
    expect(took).toBeGreaterThan(1900);
    expect(took).toBeLessThan(3000);
    letGo();
    await vi.waitUntil(() => server.operations.includes('DELETE object'), { timeout: 5000 });
    await nothingLeft();
  });

  it('at any time of a put leaves nothing, or all of it', { timeout: 60_000 }, async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    console.log(`Seed of the aborts: ${seed}`);
    let state = seed;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    const store = newStore();
    const aborted = { whole: 0, gone: 0 };
    for (let round = 0; round < 40; round++) {
      const audio = bytes(random() < 0.5 ? 1000 : LARGE, round);
      const controller = new AbortController();
      const putting = store.put(chunksOf(audio), { signal: controller.signal });
      putting.catch(() => undefined);
      await sleep(random() * (audio.byteLength > 1000 ? 200 : 20));
      controller.abort();
      try {
        const { ref } = await putting;
        sameBytes(await readRef(store, ref), audio);
        expect(await store.delete(ref)).toBe(true);
        aborted.whole += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(AbortedError);
        aborted.gone += 1;
      }
      await nothingLeft();
    }
    console.log(`${aborted.whole} were whole, ${aborted.gone} were aborted.`);
    expect(aborted.gone).toBeGreaterThan(0);
  });
});

describe('a source that fails', () => {
  it.each([
    ['before the first byte', 0],
    ['after a few bytes', 1000],
    ['after some parts', LARGE],
  ])('%s rejects the put with its own error at once, and nothing is left', async (_what, size) => {
    const broken = Object.assign(new Error('the microphone broke'), { code: 'ECONNRESET' });
    const source = watched(size === 0 ? [] : [bytes(size)], () => Promise.reject(broken));
    expect(await failureOf(newStore().put(source))).toBe(broken);
    expect(server.uploads()).toEqual([]);
    expect(server.keys()).toEqual([]);
  });

  it('sends nothing where there is no audio', async () => {
    const before = server.operations.length;
    await expect(newStore().put(chunksOf())).rejects.toMatchObject({ code: 'empty_source' });
    await expect(newStore().put(chunksOf(), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(server.operations.length).toBe(before);
  });

  it('or is too large is not kept, and the limit itself is', async () => {
    const client = server.client();
    const store = createS3AudioStore({
      client,
      bucket: server.bucket,
      partBytes: 5 * MEBIBYTE,
      maxBytes: LARGE,
    });
    await expect(store.put(chunksOf(bytes(LARGE), bytes(1)))).rejects.toMatchObject({
      name: 'StorageError',
      code: 'payload_too_large',
      retryable: false,
    });
    await nothingLeft();
    const { ref, sizeBytes } = await store.put(chunksOf(bytes(LARGE)));
    expect(sizeBytes).toBe(LARGE);
    expect(await store.delete(ref)).toBe(true);
  });
});

describe('an upload', () => {
  it('goes in parts of the size that was set, and in one request where it fits into a part', async () => {
    const store = newStore();
    const before = server.operations.length;
    const { ref } = await store.put(chunksOf(bytes(LARGE)));
    const parted = server.operations.slice(before);
    expect(parted.filter((operation) => operation === 'PUT part')).toHaveLength(4);
    expect(parted.filter((operation) => operation !== 'PUT part')).toEqual(['POST uploads', 'POST upload']);
    sameBytes(await readRef(store, ref), bytes(LARGE));
    expect(await store.delete(ref)).toBe(true);

    const since = server.operations.length;
    const single = await store.put(chunksOf(bytes(5 * MEBIBYTE)));
    expect(server.operations.slice(since)).toEqual(['PUT object']);
    expect(await store.delete(single.ref)).toBe(true);
  });

  it('that S3 refuses for a moment is sent again by the SDK', async () => {
    let refused = 0;
    server.fail = (operation) =>
      operation === 'PUT part' && refused++ < 2 ? { status: 503, code: 'SlowDown' } : undefined;
    const store = newStore();
    const { ref } = await store.put(chunksOf(bytes(LARGE)));
    sameBytes(await readRef(store, ref), bytes(LARGE));
    expect(await store.delete(ref)).toBe(true);
  });

  it.each([
    ['PUT object', 1000],
    ['POST uploads', LARGE],
    ['PUT part', LARGE],
    ['POST upload', LARGE],
  ])(
    'whose %s fails rejects the put, also while the source stands still, and leaves nothing',
    async (operation, size) => {
      server.fail = (seen) => (seen === operation ? { status: 500, code: 'InternalError' } : undefined);
      // The last request is sent only when the source has ended.
      const ends = operation === 'PUT object' || operation === 'POST upload';
      const source = ends ? chunksOf(bytes(size)) : standingStill(bytes(size));
      await expect(newStore({ maxAttempts: 2 }).put(source)).rejects.toMatchObject({
        name: 'StorageError',
        code: 'storage_unavailable',
        retryable: true,
      });
      server.fail = undefined;
      await nothingLeft();
    },
  );

  it('lets go of its source where it cannot be sent', async () => {
    server.fail = (seen) => (seen === 'PUT part' ? { status: 403, code: 'AccessDenied' } : undefined);
    const source = standingStill(bytes(LARGE));
    await expect(newStore().put(source)).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(source.isReturned).toBe(true);
  });

  it('hears no signal any more when it has ended', async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const added = vi.spyOn(signal, 'addEventListener');
    const store = newStore();
    const { ref } = await store.put(chunksOf(bytes(1000)), { signal });
    expect(added).toHaveBeenCalledTimes(1);
    expect(removed).toHaveBeenCalledTimes(1);
    expect(await store.delete(ref)).toBe(true);
  });
});
