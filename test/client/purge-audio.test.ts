import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AudioStore,
  type ClientOptions,
  createMemoryStorage,
  type StorageAdapter,
  StorageError,
  type TranscriptionClient,
} from 'transcription-client';
import { createFileAudioStore } from 'transcription-client/files';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { ManualClock } from '../support/manual-clock.js';

const { audio } = synthesizeSpeech('one two');
const HOUR_MS = 3_600_000;

let folder: string;
let store: AudioStore;
let emulator: DeepgramEmulator;
let clock: ManualClock;
const clients: TranscriptionClient[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purge-audio-'));
  store = createFileAudioStore({ directory: join(folder, 'audio') });
  emulator = await startDeepgramEmulator();
  clock = new ManualClock(Date.now());
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await emulator.close();
  await rm(folder, { recursive: true });
});

function newClient(options: ClientOptions = {}): TranscriptionClient {
  const client = clientOf(emulator.url, {
    clock,
    audioStore: store,
    queue: { autoStart: false },
    ...options,
  });
  clients.push(client);
  return client;
}

function storeWith(changes: Partial<AudioStore>): AudioStore {
  return {
    capabilities: store.capabilities,
    put: (...args) => store.put(...args),
    open: (ref) => store.open(ref),
    delete: (ref) => store.delete(ref),
    purge: async (query) => (await store.purge?.(query)) ?? 0,
    ...changes,
  };
}

function kept(): Promise<string[]> {
  return readdir(join(folder, 'audio')).catch(() => []);
}

function later(ms: number): Date {
  clock.setWall(clock.wallMs() + ms);
  return new Date(clock.wallMs());
}

describe('purge() and the audio of jobs', () => {
  it('leaves that of a job that is begun anew meanwhile', async () => {
    const memory = createMemoryStorage();
    let meanwhile: (() => Promise<unknown>) | undefined;
    const client = newClient({
      storage: {
        ...memory,
        async delete(...args) {
          const run = meanwhile;
          meanwhile = undefined;
          await run?.();
          return memory.delete(...args);
        },
      },
    });
    const job = await client.enqueue(audio);
    await job.cancel();
    meanwhile = () => client.jobs.retry(job.id);
    expect(await client.purge({ before: later(1000) })).toMatchObject({ jobs: 0, audio: 0 });
    expect(meanwhile).toBeUndefined();
    expect(await kept()).toHaveLength(1);
    client.startWorker();
    expect((await job.result()).text).toBe('one two');
  });

  it('tells by a typed error that the audio store failed, and goes on the next time', async () => {
    let isBroken = true;
    const client = newClient({
      audioStore: storeWith({
        delete: (ref) => {
          if (isBroken) throw new Error('busy');
          return store.delete(ref);
        },
      }),
    });
    for (let count = 0; count < 2; count += 1) await (await client.enqueue(audio)).cancel();
    const before = later(1000);
    const error = await failureOf(client.purge({ before }));
    expect(error).toMatchObject({ name: 'StorageError', code: 'storage_failed', retryable: true });
    isBroken = false;
    expect(await client.purge({ before })).toMatchObject({ jobs: 1, audio: 1 });
  });

  it.each([null, 7, {}, { source: null }, { source: { kind: 'stored' } }])(
    'takes away a job that is damaged: %j',
    async (data) => {
      const storage = createMemoryStorage();
      const createdAt = new Date(clock.wallMs()).toISOString();
      await storage.put({ collection: 'jobs', id: 'job_1', status: 'failed', createdAt, data });
      const client = newClient({ storage });
      expect(await client.purge({ before: later(1000) })).toMatchObject({ jobs: 1, audio: 0 });
      expect(await storage.get('jobs', 'job_1')).toBeUndefined();
    },
  );
});

describe('purge() and audio that no job names', () => {
  /** In memory, but it says that it survives. */
  function durable(shared = false): StorageAdapter {
    const memory = createMemoryStorage();
    return { ...memory, capabilities: { shared, durable: true, atomic: true } };
  }

  async function leaveAudio(): Promise<void> {
    await store.put(
      (async function* () {
        yield audio;
      })(),
    );
  }

  it('deletes it when it is older than a day, and an hour for clocks that are apart', async () => {
    await leaveAudio();
    const client = newClient({ storage: durable() });
    expect(await client.purge({ before: later(24.5 * HOUR_MS) })).toMatchObject({ audio: 0 });
    expect(await client.purge({ before: new Date(clock.wallMs() - 26 * HOUR_MS) })).toMatchObject({
      audio: 0,
    });
    expect(await client.purge({ before: later(2 * HOUR_MS), userId: 'u1' })).toMatchObject({ audio: 0 });
    expect(await client.purge({ before: new Date(clock.wallMs()) })).toMatchObject({ audio: 1 });
    expect(await kept()).toEqual([]);
  });

  it('leaves it while an older job is there', async () => {
    await leaveAudio();
    const client = newClient({ storage: durable() });
    const waiting = await client.enqueue('https://example.com/a.wav');
    expect(await client.purge({ before: later(48 * HOUR_MS) })).toMatchObject({ jobs: 0, audio: 0 });
    await waiting.cancel();
    expect(await client.purge({ before: new Date(clock.wallMs()) })).toMatchObject({ jobs: 1, audio: 1 });
  });

  it.each([
    ['forgets', createMemoryStorage(), false],
    ['is seen by fewer processes than the audio', durable(false), true],
  ])('leaves it where the storage %s: it may be that of jobs elsewhere', async (_what, storage, shared) => {
    const shelf = storeWith({ capabilities: { shared, durable: true } });
    await newClient({ storage: durable(), audioStore: shelf }).enqueue(audio);
    const client = newClient({ storage, audioStore: shelf });
    expect(await client.purge({ before: later(48 * HOUR_MS) })).toMatchObject({ audio: 0 });
    expect(await kept()).toHaveLength(1);
  });

  it('deletes it where both are shared', async () => {
    await leaveAudio();
    const shelf = storeWith({ capabilities: { shared: true, durable: true } });
    const client = newClient({ storage: durable(true), audioStore: shelf });
    expect(await client.purge({ before: later(48 * HOUR_MS) })).toMatchObject({ audio: 1 });
  });
});

describe('an audio store of the application', () => {
  it.each([
    ['put', (client: TranscriptionClient) => client.enqueue(audio)],
    ['purge', (client: TranscriptionClient) => client.purge({ before: later(48 * HOUR_MS) })],
  ] as const)('that throws in %s gives a typed error', async (member, call) => {
    const broken = (): never => {
      throw new Error('gone');
    };
    const memory = createMemoryStorage();
    const storage = { ...memory, capabilities: { ...memory.capabilities, durable: true } };
    const client = newClient({ storage, audioStore: storeWith({ [member]: broken }) });
    const error = await failureOf(call(client));
    expect(error).toBeInstanceOf(StorageError);
    expect(error).toMatchObject({ code: 'storage_failed', retryable: true, cause: { message: 'gone' } });
  });
});
