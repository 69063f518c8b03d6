import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createMemoryStorage, type StorageAdapter, type TranscriptionClient } from 'transcription-client';
import { createFileAudioStore } from 'transcription-client/files';
import { createFakeClock, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SubmitKeys } from '../../src/submit-keys.js';
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
    await using client = clientOf(server.url);
    await using _server = server;
    const decided = routesOf(client);
    const controller = new AbortController();
    const first = failureOf(client.submit(one, { ...call, signal: controller.signal }));
    await arrived();
    const second = client.submit(one, call);
    await decided(2);
    controller.abort();
    expect((await first).code).toBe('aborted');
    const third = client.submit(one, { ...call, durationSeconds: 400 });
    await decided(3);
    answer(200);
    const outcomes = await Promise.all([second, third]);
    expect(outcomes.map(({ mode }) => mode)).toEqual(['sync', 'sync']);
    expect(server.requests).toHaveLength(1);
  });

  it('stands for their mode in another process too', async () => {
    const { server, answer, arrived } = await startHeld();
    const storage = createMemoryStorage();
    await using near = clientOf(server.url, { storage });
    await using far = clientOf(server.url, { storage });
    await using _server = server;
    const controller = new AbortController();
    const first = failureOf(near.submit(one, { ...call, signal: controller.signal }));
    await arrived();
    const second = far.submit(one, call);
    await vi.waitFor(async () => expect(await holdersOf(storage)).toBe(2), { timeout: 10_000 });
    controller.abort();
    expect((await first).code).toBe('aborted');
    await vi.waitFor(async () => expect(await holdersOf(storage)).toBe(1), { timeout: 10_000 });
    const third = near.submit(one, { ...call, durationSeconds: 400 });
    const outcomes = Promise.all([second, third]);
    const answering = setInterval(() => answer(200), 10);
    expect((await outcomes).map(({ mode }) => mode)).toEqual(['sync', 'sync']);
    clearInterval(answering);
  });

  it('is free again where all of them have failed, and costs the storage no more than one of them', async () => {
    const { server, answer, arrived } = await startHeld();
    const memory = createMemoryStorage();
    let writes = 0;
    const storage: StorageAdapter = {
      ...memory,
      put(record, condition) {
        if ((record.data as { holders?: number }).holders !== undefined) writes += 1;
        return memory.put(record, condition);
      },
    };
    await using client = clientOf(server.url, { storage });
    await using _server = server;
    const decided = routesOf(client);
    const failing = Array.from({ length: 50 }, () => failureOf(client.submit(one, call)));
    await Promise.all([arrived(), decided(50)]);
    expect(await holdersOf(storage)).toBe(1);
    answer(400);
    for (const { code } of await Promise.all(failing)) expect(code).toBe('bad_request');
    expect(await holdersOf(storage)).toBe(0);
    expect(writes).toBe(1);
  });

  it('is not that of others who have it since', async () => {
    const storage = createMemoryStorage();
    const clock = createFakeClock();
    const [early, late] = [new SubmitKeys(storage, clock), new SubmitKeys(storage, clock)];
    const { signal } = new AbortController();
    const key = { idempotencyKey: 'k', userId: 'ada' };
    const decision = { mode: 'sync', rule: 'x', facts: {} } as never;
    const old = await early.settle(decision, key, signal);
    const [{ id = '' } = {}] = (await storage.list('idempotency', { limit: 1 })).items;
    await storage.delete('idempotency', id);
    await clock.advance(1);
    await late.settle(decision, key, signal);
    await old.end(true);
    expect(await holdersOf(storage)).toBe(1);
  });
});

/** Waits until so many submissions were decided. */
function routesOf(client: TranscriptionClient): (count: number) => Promise<unknown> {
  let routes = 0;
  client.on('route', () => {
    routes += 1;
  });
  return (count) => vi.waitFor(() => expect(routes).toBe(count), { timeout: 10_000 });
}

/** How many hold the key: those that are under way, and those that have a result. */
async function holdersOf(storage: StorageAdapter): Promise<number> {
  const { items } = await storage.list('idempotency', { limit: 100 });
  const counts = items.map(({ data }) => (data as { readonly holders?: number }).holders ?? 0);
  return Math.max(0, ...counts);
}

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
