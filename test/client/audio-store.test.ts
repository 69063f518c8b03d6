import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  type AudioStore,
  type ClientOptions,
  StorageError,
  type TranscriptionClient,
} from 'transcription-client';
import { createFileAudioStore } from 'transcription-client/files';
import { createSqliteStorage } from 'transcription-client/sqlite';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';

const { audio } = synthesizeSpeech('kept for later');

let folder: string;
let store: AudioStore;
let emulator: DeepgramEmulator;
const clients: TranscriptionClient[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queued-audio-'));
  store = createFileAudioStore({ directory: join(folder, 'audio') });
  emulator = await startDeepgramEmulator();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ timeoutMs: 0 })));
  await emulator.close();
  await rm(folder, { recursive: true });
});

function newClient(options: ClientOptions = {}): TranscriptionClient {
  const client = clientOf(emulator.url, { audioStore: store, ...options });
  clients.push(client);
  return client;
}

const waiting: ClientOptions = { queue: { autoStart: false } };

function storeWith(changes: Partial<AudioStore>): AudioStore {
  return {
    capabilities: store.capabilities,
    put: (...args) => store.put(...args),
    open: (ref) => store.open(ref),
    delete: (ref) => store.delete(ref),
    ...changes,
  };
}

async function kept(): Promise<string[]> {
  return readdir(join(folder, 'audio')).catch(() => []);
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield audio.subarray(0, 100);
  throw new Error('the microphone was pulled out');
}

describe('queued audio with an audio store', () => {
  it.each([
    ['bytes', () => audio],
    ['a stream that can be read once', () => Readable.from([Buffer.from(audio)])],
    ['a Blob', () => new Blob([audio])],
    ['a Request', () => new Request('http://a.invalid', { method: 'POST', body: audio })],
  ])('transcribes %s, and is gone after the job', async (_kind, source) => {
    const client = newClient(waiting);
    const job = await client.enqueue(source(), { userId: 'u1' });
    expect(await kept()).toHaveLength(1);
    client.startWorker();
    expect((await job.result()).text).toBe('kept for later');
    await vi.waitFor(async () => expect(await kept()).toEqual([]));
    expect(await client.transcripts.list({ userId: 'u1' })).toMatchObject({ items: [{ jobId: job.id }] });
  });

  it('is still there in a new process, with a storage that survives', async () => {
    const storage = () => createSqliteStorage({ path: join(folder, 'records.db') });
    const first = storage();
    const enqueueing = newClient({ ...waiting, storage: first });
    const { id } = await enqueueing.enqueue(Readable.from([Buffer.from(audio)]));
    await enqueueing.close();
    await first.close?.();
    const second = storage();
    const working = newClient({ ...waiting, storage: second });
    const job = await working.jobs.get(id);
    expect(await job?.status()).toMatchObject({ state: 'queued' });
    await working.jobs.cancel(id);
    const again = await working.jobs.retry(id);
    working.startWorker();
    expect((await again.result()).text).toBe('kept for later');
    await working.close();
    await second.close?.();
  });

  it('keeps that of a failed job for a retry, until the job is removed', async () => {
    const client = newClient({ queue: { attempts: 1 } });
    emulator.faults.next({ kind: 'status', status: 422 });
    const job = await client.enqueue(audio);
    await failureOf(job.result());
    expect(await kept()).toHaveLength(1);
    const again = await client.jobs.retry(job.id);
    expect((await again.result()).text).toBe('kept for later');
    await vi.waitFor(async () => expect(await kept()).toEqual([]));

    emulator.faults.next({ kind: 'status', status: 422 });
    const doomed = await client.enqueue(audio);
    await failureOf(doomed.result());
    expect(await client.jobs.remove(doomed.id)).toBe(true);
    await vi.waitFor(async () => expect(await kept()).toEqual([]));
  });

  it('leaves nothing of audio that fails, of an aborted call, and of a storage that refuses', async () => {
    const client = newClient(waiting);
    expect(await failureOf(client.enqueue(broken()))).toMatchObject({ code: 'stream_failed' });
    const controller = new AbortController();
    const standsStill = new ReadableStream<Uint8Array>({ start: (stream) => stream.enqueue(audio) });
    const call = failureOf(client.enqueue(standsStill, { signal: controller.signal }));
    await vi.waitFor(async () => expect(await kept()).not.toEqual([]));
    controller.abort();
    expect(await call).toMatchObject({ code: 'aborted' });
    const refusing = newClient({
      ...waiting,
      storage: {
        capabilities: { shared: false, durable: false, atomic: true },
        get: async () => undefined,
        put: () => Promise.reject(new Error('no')),
        list: async () => ({ items: [] }),
        delete: async () => false,
      },
    });
    expect(await failureOf(refusing.enqueue(audio))).toBeInstanceOf(StorageError);
    await vi.waitFor(async () => expect(await kept()).toEqual([]));
    expect((await client.jobs.list()).items).toEqual([]);
  });

  it('lets submit() queue what can be read only once', async () => {
    const client = newClient(waiting);
    const stream = Readable.from([Buffer.from(audio)]);
    const outcome = await client.submit(stream, { durationSeconds: 36_000 });
    expect(outcome.mode).toBe('async');
    expect(await kept()).toHaveLength(1);
  });

  it('takes all of enqueueMany() or none', async () => {
    const client = newClient(waiting);
    const items = [...Array.from({ length: 6 }, () => ({ source: audio })), { source: broken() }];
    await failureOf(client.enqueueMany(items));
    await vi.waitFor(async () => expect(await kept()).toEqual([]));
    expect((await client.jobs.list()).items).toEqual([]);
  });

  it('fails a job whose audio is gone, without a request', async () => {
    const client = newClient(waiting);
    const job = await client.enqueue(audio);
    await rm(join(folder, 'audio'), { recursive: true });
    client.startWorker();
    expect(await failureOf(job.result())).toMatchObject({ code: 'audio_not_found' });
    expect(emulator.journal.requests).toEqual([]);
  });

  it('hands Deepgram the URL where the store can give one, and keeps it out of all records', async () => {
    const signed = `${emulator.serveAudio(audio)}?X-Signature=CANARY`;
    const url = vi.fn(async () => signed);
    const open = vi.fn((ref: string) => store.open(ref));
    const presigning = storeWith({ open, url });
    const client = newClient({ ...waiting, audioStore: presigning });
    const job = await client.enqueue(audio);
    client.startWorker();
    const transcript = await job.result();
    expect(transcript.text).toBe('kept for later');
    expect(open).not.toHaveBeenCalled();
    expect(url).toHaveBeenCalledOnce();
    expect(JSON.stringify([await job.status(), await client.transcripts.get(transcript.id)])).not.toContain(
      'CANARY',
    );
  });

  it('tells by a warning that audio could not be deleted', async () => {
    const stubborn = storeWith({ delete: () => Promise.reject(new Error('CANARY busy')) });
    const client = newClient({ audioStore: stubborn });
    const warnings: unknown[] = [];
    client.on('warning', (warning) => warnings.push(warning));
    await (await client.enqueue(audio)).result();
    await vi.waitFor(() => expect(warnings).toMatchObject([{ code: 'audio-not-deleted' }]));
    expect(JSON.stringify(warnings)).not.toContain('CANARY');
  });
});
