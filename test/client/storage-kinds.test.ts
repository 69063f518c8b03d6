import { createMemoryStorage, type StorageAdapter, TranscriptionClient } from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { createUnstorageStorage } from 'transcription-client/unstorage';
import { createStorage } from 'unstorage';
import { describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { ManualClock } from '../support/manual-clock.js';

const { audio } = synthesizeSpeech('one two');
const URL = 'http://127.0.0.1:9/a.wav';

describe('a storage that is not atomic', () => {
  it('keeps transcripts, and is refused for what two processes could take at once', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, {
      storage: createUnstorageStorage(createStorage(), { shared: false }),
    });
    const { id } = await client.transcribe(audio, { userId: 'u1' });
    expect((await client.transcripts.list({ userId: 'u1' })).items).toMatchObject([{ id }]);
    const requests = emulator.journal.requests.length;
    for (const refused of [
      client.enqueue(URL),
      client.enqueueMany([{ source: URL }]),
      client.transcribe(audio, { idempotencyKey: 'k' }),
      client.transcribe(audio, { deduplicate: true }),
    ]) {
      expect(await failureOf(refused)).toMatchObject({ name: 'StorageError', code: 'storage_not_atomic' });
    }
    expect(emulator.journal.requests).toHaveLength(requests);
  });
});

describe('a storage that is not shared', () => {
  it('is refused on a queue that other processes work on', () => {
    const queue = {
      capabilities: { distributed: true, durable: true },
      add: async () => undefined,
      cancel: async () => false,
      startWorker: () => ({ close: async () => undefined }),
      depth: async () => ({ waiting: 0, delayed: 0, active: 0 }),
      close: async () => undefined,
    };
    expect(() => new TranscriptionClient({ queue, storage: createMemoryStorage() })).toThrow(
      /shared storage/,
    );
  });
});

describe('lists by time', () => {
  it('of transcripts and jobs hold what was created from one time on and before another', async () => {
    await using emulator = await startDeepgramEmulator();
    const clock = new ManualClock();
    await using client = clientOf(emulator.url, { clock, queue: { autoStart: false } });
    const times: string[] = [];
    for (let day = 0; day < 4; day += 1) {
      times.push(new Date(clock.wallMs()).toISOString());
      await client.transcribe(audio);
      await client.enqueue(URL);
      clock.setWall(clock.wallMs() + 86_400_000);
    }
    const query = { createdFrom: times[1] as string, createdBefore: times[3] as string };
    for (const { items } of [await client.transcripts.list(query), await client.jobs.list(query)]) {
      expect(items.map(({ createdAt }) => createdAt)).toEqual([times[2], times[1]]);
    }
    for (const time of ['yesterday', '2026-01-01', '', 5 as never]) {
      for (const list of [client.transcripts.list, client.jobs.list]) {
        expect(await failureOf(list({ createdFrom: time }))).toMatchObject({ code: 'invalid_option' });
      }
    }
  });
});

describe('the data of a transcript', () => {
  it('has a version, which stays inside, and one of a newer library is refused', async () => {
    await using emulator = await startDeepgramEmulator();
    const storage: StorageAdapter = createMemoryStorage();
    await using client = clientOf(emulator.url, { storage });
    const transcript = await client.transcribe(audio);
    const record = await storage.get('transcripts', transcript.id);
    expect(record?.data).toMatchObject({ v: 1 });
    expect(await client.transcripts.get(transcript.id)).not.toHaveProperty('v');
    if (record === undefined) throw new Error('There is no record.');
    await storage.put({ ...record, data: { ...(record.data as object), v: 2 } });
    expect(await failureOf(client.transcripts.get(transcript.id))).toMatchObject({ code: 'storage_schema' });
    const { v: _v, ...first } = record.data as Record<string, unknown>;
    await storage.put({ ...record, data: first });
    expect((await client.transcripts.get(transcript.id))?.text).toBe('one two');
  });
});
