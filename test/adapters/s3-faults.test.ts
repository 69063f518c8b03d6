import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultProxy, startFaultProxy } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createS3AudioStore } from '../../src/adapters/s3/index.js';
import type { OpenedAudio } from '../../src/contracts/audio-source.js';
import type { AudioStore } from '../../src/contracts/audio-store.js';
import { bytes, chunksOf, read, readRef, sameBytes } from '../../src/testing/contract/audio-store-samples.js';
import { type S3Server, startS3Server } from '../support/s3-server.js';

const MEBIBYTE = 1024 * 1024;
const LARGE = 16 * MEBIBYTE;
const UNKNOWN_REF = `aud_${'0'.repeat(32)}`;
const LATER = '2999-01-01T00:00:00.000Z';

let server: S3Server;
let proxy: FaultProxy;
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(async () => {
  process.on('unhandledRejection', note);
  server = await startS3Server();
  proxy = await startFaultProxy({ target: server.url });
});
afterEach(async () => {
  await proxy.close();
  await server.close();
  // Node tells of them after the turn in which they happened.
  await sleep(5);
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

/** By way of the proxy. */
function newStore(config = {}): AudioStore {
  const client = server.client({ endpoint: proxy.url, maxAttempts: 3, ...config });
  return createS3AudioStore({ client, bucket: server.bucket, partBytes: 5 * MEBIBYTE });
}

const PASSING = { name: 'StorageError', code: 'storage_unavailable', retryable: true };

async function nothingLeft(): Promise<void> {
  await vi.waitUntil(() => server.keys().length === 0 && server.uploads().length === 0, { timeout: 5000 });
}

describe('a connection that breaks', () => {
  it('once in each upload, is made again by the SDK, and the audio is whole', async () => {
    const store = newStore();
    let parts = 0;
    server.hold = (operation) => {
      if (operation === 'PUT part' && ++parts === 2) proxy.reset();
      return undefined;
    };
    const { ref } = await store.put(chunksOf(bytes(LARGE)));
    expect(parts).toBeGreaterThan(4);
    sameBytes(await readRef(newStore(), ref), bytes(LARGE));
  });

  it('in the middle of every part, rejects the put and leaves nothing', async () => {
    // Small requests come through, which is all that clearing up needs.
    proxy.set({ up: { resetAfterBytes: 3 * MEBIBYTE } });
    await expect(newStore().put(chunksOf(bytes(LARGE)))).rejects.toMatchObject(PASSING);
    expect(server.operations).toContain('DELETE upload');
    await nothingLeft();
  });

  it('in the middle of the only request, rejects the put and leaves nothing', async () => {
    proxy.set({ up: { resetAfterBytes: MEBIBYTE } });
    await expect(newStore().put(chunksOf(bytes(4 * MEBIBYTE)))).rejects.toMatchObject(PASSING);
    await nothingLeft();
  });

  it('before the answer to the end of an upload, rejects the put and leaves nothing', async () => {
    server.hold = (operation) => {
      if (operation === 'POST upload') proxy.set({ dropReplies: 1 });
      if (operation === 'POST upload') setTimeout(() => proxy.reset(), 200);
      return undefined;
    };
    // S3 itself may know the upload no more, or take it for completed: it is clear only that nothing may be left.
    const stored = await newStore({ maxAttempts: 2 })
      .put(chunksOf(bytes(LARGE)))
      .catch((error: unknown) => error);
    expect(stored).toMatchObject({ name: 'StorageError' });
    await nothingLeft();
  });

  it('at once, rejects every call', async () => {
    proxy.set({ refuse: true });
    const store = newStore({ maxAttempts: 2 });
    await expect(store.put(chunksOf(bytes(1000)))).rejects.toMatchObject(PASSING);
    await expect(store.open(UNKNOWN_REF)).rejects.toMatchObject(PASSING);
    await expect(store.delete(UNKNOWN_REF)).rejects.toMatchObject(PASSING);
    await expect(store.url?.(UNKNOWN_REF, { expiresInSeconds: 60 })).rejects.toMatchObject(PASSING);
    await expect(store.purge?.({ createdBefore: LATER })).rejects.toMatchObject(PASSING);
    await expect(store.health?.()).rejects.toMatchObject(PASSING);
  });

  it.each<[string, () => void]>([
    ['is reset', () => proxy.reset()],
    ['ends', () => proxy.halfClose('down')],
  ])('and %s in the middle of a download, never ends it as if it were complete', async (_what, breakIt) => {
    const { ref } = await newStore().put(chunksOf(bytes(LARGE)));
    const opened = await newStore().open(ref);
    expect(opened.sizeBytes).toBe(LARGE);
    let received = 0;
    const reading = (async () => {
      for await (const chunk of opened.chunks) {
        if (received === 0) breakIt();
        received += chunk.byteLength;
      }
    })();
    await expect(reading).rejects.toMatchObject(PASSING);
    expect(received).toBeGreaterThan(0);
    expect(received).toBeLessThan(LARGE);
  });

  it('while nobody reads what was opened, is told to who reads it', async () => {
    const { ref } = await newStore().put(chunksOf(bytes(LARGE)));
    const opened = await newStore().open(ref);
    proxy.reset();
    await vi.waitUntil(() => proxy.connections.live === 0, { timeout: 5000 });
    await expect(read(opened)).rejects.toMatchObject(PASSING);
  });
});

describe('an opened audio', () => {
  it('holds no connection when it was closed, read or not', async () => {
    const { ref } = await newStore().put(chunksOf(bytes(LARGE)));
    const store = newStore();
    await vi.waitUntil(() => proxy.connections.live <= 3, { timeout: 5000 });
    const before = proxy.connections.live;
    for (let round = 0; round < 5; round++) {
      const unread = await store.open(ref);
      await unread.close();
      const begun = await store.open(ref);
      for await (const _chunk of begun.chunks) break;
    }
    await vi.waitUntil(() => proxy.connections.live <= before, { timeout: 5000 });
  });

  it('that is closed in the middle of a read ends it with an error', async () => {
    const { ref } = await newStore().put(chunksOf(bytes(LARGE)));
    const opened = await newStore().open(ref);
    const reading = (async () => {
      for await (const _chunk of opened.chunks) await opened.close();
    })();
    await expect(reading).rejects.toMatchObject({ name: 'StorageError' });
  });

  it('is damaged where somebody put nothing in its place', async () => {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const Key = `transcription-client/${UNKNOWN_REF}`;
    await server.client().send(new PutObjectCommand({ Bucket: server.bucket, Key, Body: new Uint8Array() }));
    await expect(newStore().open(UNKNOWN_REF)).rejects.toMatchObject({
      name: 'StorageError',
      code: 'storage_corrupt',
    });
  });

  /** Opens an answer that says that it has 100 bytes. */
  function openAnswer(body: Readable): Promise<OpenedAudio> {
    // All that the SDK reads of its class.
    const response = { statusCode: 200, headers: { 'content-length': '100' }, body } as never;
    const client = server.client({ requestHandler: { handle: async () => ({ response }) } });
    return createS3AudioStore({ client, bucket: server.bucket }).open(UNKNOWN_REF);
  }

  it.each([
    ['shorter', 90],
    ['longer', 110],
  ])('that is %s than S3 said, without an error of its own, is not complete', async (_what, size) => {
    const opened = await openAnswer(Readable.from([bytes(size)]));
    expect(opened.sizeBytes).toBe(100);
    await expect(read(opened)).rejects.toMatchObject(PASSING);
  });

  it('may break before it is read, which ends nothing but the read', async () => {
    const body = new PassThrough();
    const opened = await openAnswer(body);
    body.destroy(Object.assign(new Error('the socket broke'), { code: 'ECONNRESET' }));
    await vi.waitUntil(() => body.closed, { interval: 1 });
    await expect(read(opened)).rejects.toMatchObject(PASSING);
  });
});
