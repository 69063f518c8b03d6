import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryStorage, type StorageAdapter } from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { startHttpServer } from '../support/fault-server.js';

const one = synthesizeSpeech('one').audio;
const hang = () => new Promise<never>(() => undefined);

/** It never answers where it is asked for a key. */
function hangingKeys(): StorageAdapter {
  const storage = createMemoryStorage();
  return {
    ...storage,
    get: (collection, id) => (collection === 'idempotency' ? hang() : storage.get(collection, id)),
  };
}

function hangingBlob(): Blob {
  const blob = new Blob([one]);
  return Object.assign(blob, { slice: () => Object.assign(new Blob(), { arrayBuffer: hang }) });
}

describe('a submission that is held up before it is sent', () => {
  const LIMIT_MS = 300;
  /** 5% and 50 ms. */
  const LATEST_MS = LIMIT_MS * 1.05 + 50;

  it.each([
    ['by its storage', one, { storage: hangingKeys() }, { idempotencyKey: 'k' }],
    ['by its probe', hangingBlob(), {}, {}],
  ])('ends in its time: %s', async (_name, source, options, call) => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, options);
    await client.transcribe(one);
    const startedAt = performance.now();
    const error = await failureOf(client.submit(source, { ...call, timeoutMs: LIMIT_MS }));
    expect(error).toMatchObject({ code: 'timeout', ambiguous: false });
    expect(error.message).toMatch(/took longer than 300 ms/);
    expect(performance.now() - startedAt).toBeLessThan(LATEST_MS);
    expect(emulator.requests).toHaveLength(1);
  });
});

describe('the time of a submission', () => {
  const LIMIT_MS = 600;
  const LATEST_MS = LIMIT_MS * 1.05 + 50;

  it('is that of the probe and the request together', async () => {
    await using server = await startHttpServer((request) => void request.resume());
    await using client = clientOf(server.url);
    await failureOf(client.transcribe(one, { timeoutMs: 100 }));
    const slow = new Blob([one]);
    Object.assign(slow, {
      slice(start: number, end: number) {
        const piece = new Blob([one]).slice(start, end);
        return Object.assign(new Blob(), { arrayBuffer: () => sleep(300, piece.arrayBuffer()) });
      },
    });
    const startedAt = performance.now();
    const error = await failureOf(client.submit(slow, { timeoutMs: LIMIT_MS }));
    expect(error).toMatchObject({ code: 'timeout', ambiguous: true });
    expect(performance.now() - startedAt).toBeLessThan(LATEST_MS);
    expect(server.requests).toHaveLength(2);
  });

  it('is that of an attempt where it is a job', async () => {
    await using emulator = await startDeepgramEmulator();
    const memory = createMemoryStorage();
    const storage: StorageAdapter = {
      ...memory,
      get: async (collection, id) => {
        if (collection === 'idempotency') await sleep(50);
        return memory.get(collection, id);
      },
    };
    await using client = clientOf(emulator.url, { storage, queue: { autoStart: false } });
    const call = { idempotencyKey: 'k', mode: 'async', timeoutMs: 10 } as const;
    expect((await client.submit(one, call)).mode).toBe('async');
  });

  it('is not prolonged by a storage that hangs when the key is given back', async () => {
    await using server = await startHttpServer((request) => void request.resume());
    const memory = createMemoryStorage();
    let hangs = false;
    const storage: StorageAdapter = {
      ...memory,
      get: (collection, id) => (hangs && collection === 'idempotency' ? hang() : memory.get(collection, id)),
    };
    await using client = clientOf(server.url, { storage });
    await failureOf(client.transcribe(one, { timeoutMs: 100 }));
    client.on('route', () => {
      hangs = true;
    });
    const startedAt = performance.now();
    const call = { idempotencyKey: 'k', durationSeconds: 1, timeoutMs: LIMIT_MS };
    expect((await failureOf(client.submit(one, call))).code).toBe('timeout');
    expect(performance.now() - startedAt).toBeLessThan(LATEST_MS);
    await client.close({ timeoutMs: 0 });
  });
});

describe('metadata of a submission', () => {
  it('is that of the call, whatever becomes of the object, which may be a proxy', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const idOf = {
      submit: async (metadata: object) => {
        const outcome = await client.submit(one, { metadata: metadata as Record<string, unknown> });
        return outcome.mode === 'sync' ? outcome.transcript.id : '';
      },
      transcribe: async (metadata: object) =>
        (await client.transcribe(one, { metadata: metadata as Record<string, unknown> })).id,
    };
    for (const send of Object.values(idOf)) {
      const given = { order: 7 };
      client.once('request-start', () => {
        given.order = 8;
      });
      const id = await send(new Proxy(given, {}));
      expect((await client.transcripts.get(id))?.metadata).toEqual({ order: 7 });
    }
  });
});
