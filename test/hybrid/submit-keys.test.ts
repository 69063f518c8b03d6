import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createMemoryStorage, type StorageAdapter } from 'transcription-client';
import { createFileAudioStore } from 'transcription-client/files';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, send, startHttpServer } from '../support/fault-server.js';

const one = synthesizeSpeech('one').audio;
const other = synthesizeSpeech('another one').audio;
const stream = (bytes: Uint8Array): Readable => Readable.from([bytes]);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'submit-keys-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the key of a submission', () => {
  it('stands for the mode of the first one, whatever the router thinks of the next', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, {
      router: {
        rules: [
          { name: 'vip', decide: ({ durationSeconds }) => (durationSeconds === 2 ? 'async' : undefined) },
        ],
      },
    });
    const call = { idempotencyKey: 'k', userId: 'ada' };
    const first = await client.submit(one, { ...call, durationSeconds: 1 });
    const second = await client.submit(one, { ...call, durationSeconds: 2 });
    expect(second).toMatchObject({ mode: 'sync', decision: { rule: 'idempotency-key', mode: 'sync' } });
    if (first.mode !== 'sync' || second.mode !== 'sync') throw new Error('Both are synchronous.');
    expect(second.transcript.id).toBe(first.transcript.id);
    expect(emulator.requests).toHaveLength(1);
    // Another user's key is another one.
    const ofBen = await client.submit(one, { ...call, userId: 'ben', durationSeconds: 2 });
    expect(ofBen.mode).toBe('async');
  });

  it('is refused in another mode that was asked for, and with other audio', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const call = { idempotencyKey: 'k' };
    await client.submit(one, { ...call, mode: 'sync' });
    for (const refused of [
      client.submit(one, { ...call, mode: 'async' }),
      client.submit(other, { ...call, mode: 'async' }),
      client.submit(other, { ...call, mode: 'sync' }),
    ]) {
      expect((await failureOf(refused)).code).toBe('idempotency_conflict');
    }
    expect(emulator.requests).toHaveLength(1);
  });

  it('is free again where the submission has failed', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const call = { idempotencyKey: 'k' };
    const failed = await failureOf(client.submit(new Uint8Array([1, 2, 3]), { ...call, mode: 'sync' }));
    expect(failed.code).not.toBe('idempotency_conflict');
    expect((await client.submit(one, { ...call, mode: 'async' })).mode).toBe('async');
  });
});

describe('the key of submissions that share a request', () => {
  /** Answers when it is told to. */
  async function startHeld() {
    const held: ServerResponse[] = [];
    const server = await startHttpServer((request, response) => {
      request.resume().on('end', () => held.push(response));
    });
    const answer = (status: number): void => {
      for (const response of held.splice(0)) {
        send(response, { status, body: status === 200 ? listenAnswer() : { err_msg: 'no' } });
      }
    };
    const arrived = () => vi.waitFor(() => expect(held.length).toBe(1), { timeout: 10_000 });
    return { server, answer, arrived };
  }
  const call = { idempotencyKey: 'k', durationSeconds: 1 };

  it('stands for their mode where the first one of them leaves', async () => {
    const { server, answer, arrived } = await startHeld();
    const storage = createMemoryStorage();
    await using client = clientOf(server.url, { storage });
    await using _server = server;
    const controller = new AbortController();
    const first = failureOf(client.submit(one, { ...call, signal: controller.signal }));
    await arrived();
    const second = client.submit(one, call);
    await vi.waitFor(async () => expect(await holdersOf(storage)).toBe(2), { timeout: 10_000 });
    controller.abort();
    expect((await first).code).toBe('aborted');
    const third = client.submit(one, { ...call, durationSeconds: 400 });
    await vi.waitFor(async () => expect(await holdersOf(storage)).toBe(2), { timeout: 10_000 });
    answer(200);
    const outcomes = await Promise.all([second, third]);
    expect(outcomes.map(({ mode }) => mode)).toEqual(['sync', 'sync']);
    expect(server.requests).toHaveLength(1);
  });

  it('is free again where all of them have failed', async () => {
    const { server, answer, arrived } = await startHeld();
    const storage = createMemoryStorage();
    await using client = clientOf(server.url, { storage });
    await using _server = server;
    const failing = [1, 2, 3].map(() => failureOf(client.submit(one, call)));
    await arrived();
    await vi.waitFor(async () => expect(await holdersOf(storage)).toBe(3), { timeout: 10_000 });
    answer(400);
    for (const { code } of await Promise.all(failing)) expect(code).toBe('bad_request');
    expect(await holdersOf(storage)).toBe(0);
  });
});

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

/** How many hold the key: those that are under way, and those that have a result. */
async function holdersOf(storage: StorageAdapter): Promise<number> {
  const { items } = await storage.list('idempotency', { limit: 100 });
  const counts = items.map(({ data }) => (data as { readonly holders?: number }).holders ?? 0);
  return Math.max(0, ...counts);
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

describe('the key of a job whose audio can be read only once', () => {
  it('stands for that audio', async () => {
    await using emulator = await startDeepgramEmulator();
    const audioStore = createFileAudioStore({ directory: folder });
    await using client = clientOf(emulator.url, { audioStore });
    const call = { idempotencyKey: 'k' };
    const first = await client.enqueue(stream(one), call);
    const again = await client.enqueue(stream(one), call);
    expect(again.id).toBe(first.id);
    expect((await client.enqueue(one, call)).id).toBe(first.id);
    const refused = await failureOf(client.enqueue(stream(other), call));
    expect(refused.code).toBe('idempotency_conflict');
    await first.result();
    expect(emulator.requests).toHaveLength(1);
  });
});
