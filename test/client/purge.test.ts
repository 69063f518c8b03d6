import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryStorage, type PurgeOptions, type StorageAdapter } from 'transcription-client';
import { createFileAudioStore } from 'transcription-client/files';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { ManualClock } from '../support/manual-clock.js';

const { audio } = synthesizeSpeech('one two');
const DAY_MS = 86_400_000;

let folder: string;
let emulator: DeepgramEmulator;
let clock: ManualClock;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purge-'));
  emulator = await startDeepgramEmulator();
  clock = new ManualClock(Date.now());
});

afterEach(async () => {
  await emulator.close();
  await rm(folder, { recursive: true });
});

const at = (): Date => new Date(clock.wallMs());

/** Without the optional members: the client does it record by record. */
function plain(storage: StorageAdapter): StorageAdapter {
  return {
    capabilities: storage.capabilities,
    get: (...args) => storage.get(...args),
    put: (...args) => storage.put(...args),
    list: (...args) => storage.list(...args),
    delete: (...args) => storage.delete(...args),
  };
}

describe('purge()', () => {
  it.each([
    ['with a purge of the storage', (storage: StorageAdapter) => storage],
    ['record by record', plain],
  ])('takes away what is older and over, %s', async (_how, storageOf) => {
    const directory = join(folder, 'audio');
    const storage = createMemoryStorage();
    for (const status of ['delivered', 'failed', 'pending']) {
      const message = { id: `msg_${status}`, status, createdAt: at().toISOString(), data: { v: 1 } };
      await storage.put({ collection: 'webhooks', ...message });
    }
    await using client = clientOf(emulator.url, {
      clock,
      storage: storageOf(storage),
      audioStore: createFileAudioStore({ directory }),
      queue: { autoStart: false, attempts: 1 },
    });
    const old = await client.transcribe(audio, { userId: 'u1', idempotencyKey: 'k' });
    const cancelled = await client.enqueue(audio);
    await cancelled.cancel();
    const waiting = await client.enqueue(audio);
    expect(await readdir(directory)).toHaveLength(2);
    clock.setWall(clock.wallMs() + 2 * DAY_MS);
    const before = at();
    const fresh = await client.transcribe(audio, { userId: 'u1' });
    const result = await client.purge({ before });
    expect(result).toEqual({ transcripts: 1, jobs: 1, idempotency: 1, webhooks: 2, audio: 1 });
    expect(await storage.get('webhooks', 'msg_pending')).toBeDefined();
    expect((await client.transcripts.list()).items.map(({ id }) => id)).toEqual([fresh.id]);
    expect((await client.jobs.list()).items.map(({ id }) => id)).toEqual([waiting.id]);
    expect(await client.transcripts.get(old.id)).toBeUndefined();
    // The audio of the job that waits is there.
    expect(await readdir(directory)).toHaveLength(1);
    client.startWorker();
    expect((await waiting.result()).text).toBe('one two');
  });

  it('of one user leaves those of all others', async () => {
    await using client = clientOf(emulator.url, { clock });
    for (const userId of ['u1', 'u2', undefined]) {
      await client.transcribe(audio, userId === undefined ? {} : { userId });
    }
    clock.setWall(clock.wallMs() + DAY_MS);
    expect(await client.purge({ before: at(), userId: 'u1' })).toMatchObject({ transcripts: 1 });
    expect((await client.transcripts.list()).items).toHaveLength(2);
    expect(await client.purge({ before: at().toISOString() })).toMatchObject({ transcripts: 2 });
  });

  it('is of the options as they were handed in', async () => {
    const storage = createMemoryStorage();
    await using writing = clientOf(emulator.url, { clock, storage });
    for (const userId of ['u1', 'u2']) await writing.transcribe(audio, { userId });
    clock.setWall(clock.wallMs() + DAY_MS);
    // It has not been called: its code is loaded by this call.
    await using client = clientOf(emulator.url, { clock, storage });
    const options = { before: at(), userId: 'u1' };
    const purging = client.purge(options);
    options.before.setTime(0);
    options.userId = 'u2';
    expect(await purging).toMatchObject({ transcripts: 1 });
    expect((await client.transcripts.list()).items).toMatchObject([{ userId: 'u2' }]);
  });

  it('deletes nothing more when the client is closed', async () => {
    const memory = createMemoryStorage();
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const remove = vi.fn<StorageAdapter['delete']>(async (...args) => {
      await gate;
      return memory.delete(...args);
    });
    const client = clientOf(emulator.url, { storage: { ...plain(memory), delete: remove } });
    for (let count = 0; count < 3; count += 1) await client.transcribe(audio);
    const failure = failureOf(client.purge({ before: new Date(Date.now() + DAY_MS) }));
    await vi.waitFor(() => expect(remove).toHaveBeenCalled());
    await client.close({ timeoutMs: 0 });
    expect(await failure).toMatchObject({ code: 'client_closed' });
    goOn();
    await new Promise(setImmediate);
    expect(remove).toHaveBeenCalledOnce();
    expect((await memory.list('transcripts', {})).items).toHaveLength(2);
  });

  it.each([
    {},
    { before: 'yesterday' },
    { before: new Date(Number.NaN) },
    { before: new Date(), userId: undefined },
    { before: new Date(), userId: '' },
    { before: new Date(), userid: 'u1' },
    undefined,
  ])('refuses %j, and deletes nothing', async (options) => {
    await using client = clientOf(emulator.url);
    await client.transcribe(audio);
    const error = await failureOf(client.purge(options as unknown as PurgeOptions));
    expect(error.name).toBe('BadRequestError');
    expect((await client.transcripts.list()).items).toHaveLength(1);
  });
});

describe('records of idempotency keys', () => {
  it('are taken away when their time is over, by the keyed calls that follow', async () => {
    const storage = createMemoryStorage();
    await using client = clientOf(emulator.url, { clock, storage });
    await client.transcribe(audio, { idempotencyKey: 'first' });
    const [record] = (await storage.list('idempotency', {})).items;
    expect(Date.parse(record?.expiresAt ?? '')).toBe(clock.wallMs() + DAY_MS);
    await clock.advance(DAY_MS + 1000);
    await client.transcribe(audio, { idempotencyKey: 'second' });
    await vi.waitFor(async () =>
      expect((await storage.list('idempotency', {})).items.map(({ id }) => id)).not.toContain(record?.id),
    );
    expect((await storage.list('idempotency', {})).items).toHaveLength(1);
  });
});
