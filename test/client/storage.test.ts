import {
  type Clock,
  createMemoryStorage,
  type StorageAdapter,
  type StoredRecord,
} from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it, vi } from 'vitest';
import { guardStorage } from '../../src/guarded-storage.js';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, startAnswering } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

const { audio } = synthesizeSpeech('keep me');

/** Only the members, so that a test can replace one. */
function storageWith(changes: Partial<StorageAdapter>): StorageAdapter {
  const storage = createMemoryStorage();
  return {
    capabilities: storage.capabilities,
    get: (...args) => storage.get(...args),
    put: (...args) => storage.put(...args),
    list: (...args) => storage.list(...args),
    delete: (...args) => storage.delete(...args),
    ...changes,
  };
}

describe('the transcripts of transcribe()', () => {
  it('are stored with their owner and metadata, listed, and deleted', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const metadata = { order: 7, tags: ['a', null], nested: { deep: true } };
    const url = `${emulator.serveAudio(audio)}?sig=CANARY`;
    const transcript = await client.transcribe(url, { userId: 'u1', metadata });
    await client.transcribe(audio, { userId: 'u2' });
    await client.transcribe(audio, { store: false });
    const stored = await client.transcripts.get(transcript.id);
    expect(stored).toEqual({
      ...transcript,
      userId: 'u1',
      metadata,
      source: url.split('?')[0],
      status: 'completed',
    });
    expect((await client.transcripts.list()).items).toHaveLength(2);
    expect((await client.transcripts.list({ userId: 'u1' })).items.map(({ id }) => id)).toEqual([
      transcript.id,
    ]);
    expect(await client.transcripts.delete(transcript.id)).toBe(true);
    expect(await client.transcripts.delete(transcript.id)).toBe(false);
    expect(await client.transcripts.get(transcript.id)).toBeUndefined();
  });

  it.each([
    [
      'rejects',
      async () => {
        throw new Error('disk full');
      },
    ],
    [
      'throws',
      () => {
        throw new Error('disk full');
      },
    ],
    ['rejects with nothing', () => Promise.reject(undefined)],
  ] as [string, StorageAdapter['put']][])('are returned where the storage %s', async (_name, put) => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, { storage: storageWith({ put }) });
    const failures: unknown[] = [];
    client.on('storage-failure', (event) => failures.push(event));
    const transcript = await client.transcribe(audio);
    expect(transcript.text).toBe('keep me');
    expect(failures).toEqual([
      {
        type: 'storage-failure',
        operation: 'put',
        collection: 'transcripts',
        id: transcript.id,
        code: 'storage_failed',
      },
    ]);
  });

  it('are returned when the time is over where the storage hangs', async () => {
    await using server = await startAnswering({ status: 200, body: listenAnswer() });
    const clock = new ManualClock();
    const put = vi.fn(() => new Promise<never>(() => undefined));
    const client = clientOf(server.url, { clock, storage: storageWith({ put }) });
    const failures: unknown[] = [];
    client.on('storage-failure', ({ code }) => failures.push(code));
    const call = client.transcribe(audio, { timeoutMs: 5000 });
    await vi.waitFor(() => expect(put).toHaveBeenCalled());
    await clock.advance(5000);
    expect((await call).text).toBe('hello world');
    expect(failures).toEqual(['timeout']);
    await client.close();
    // Nobody waits for the storage any more.
    await clock.advance(60_000);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([null, 7, 'text'])('a record that holds %j gives a typed error', async (data) => {
    const storage = createMemoryStorage();
    const createdAt = new Date().toISOString();
    await storage.put({ collection: 'transcripts', id: 'tr_1', status: 'completed', createdAt, data });
    await using client = clientOf('http://127.0.0.1:1', { storage });
    const damaged = { name: 'StorageError', code: 'storage_corrupt', retryable: false };
    expect(await failureOf(client.transcripts.get('tr_1'))).toMatchObject(damaged);
    expect(await failureOf(client.transcripts.list())).toMatchObject(damaged);
    expect(await client.transcripts.delete('tr_1')).toBe(true);
  });

  it.each(['get', 'list', 'delete'] as const)(
    'a storage that fails on %s gives a typed error',
    async (operation) => {
      const broken = async (): Promise<never> => {
        throw new Error('gone');
      };
      await using client = clientOf('http://127.0.0.1:1', { storage: storageWith({ [operation]: broken }) });
      const failures: unknown[] = [];
      client.on('storage-failure', (event) => failures.push(event));
      const calls = {
        get: () => client.transcripts.get('tr_1'),
        list: () => client.transcripts.list(),
        delete: () => client.transcripts.delete('tr_1'),
      };
      const error = await failureOf(calls[operation]());
      expect(error).toMatchObject({ name: 'StorageError', code: 'storage_failed', retryable: true });
      expect((error.cause as Error).message).toBe('gone');
      expect(failures).toMatchObject([{ operation, code: 'storage_failed' }]);
    },
  );
});

describe('a guarded storage', () => {
  it('makes what health() throws a typed error, without an event', async () => {
    const broken = (): never => {
      throw new Error('gone');
    };
    const events: unknown[] = [];
    const guarded = guardStorage(
      storageWith({ health: broken }),
      (event) => events.push(event),
      new ManualClock(),
    );
    const error = await failureOf(guarded.health?.() as Promise<void>);
    expect(error).toMatchObject({ name: 'StorageError', code: 'storage_failed', cause: { message: 'gone' } });
    expect(events).toEqual([]);
  });

  it('fails where it does not answer', async () => {
    const clock = new ManualClock();
    const events: unknown[] = [];
    const hang = () => new Promise<never>(() => undefined);
    const hanging = storageWith({ get: hang, put: hang, list: hang, delete: hang, transact: hang });
    const guarded = guardStorage(hanging, (event) => events.push(event), clock);
    const record = { collection: 'jobs', id: 'job_1' } as StoredRecord;
    const calls = [
      guarded.get('jobs', 'job_1'),
      guarded.put(record),
      guarded.list('jobs', {}),
      guarded.delete('jobs', 'job_1'),
      (guarded.transact as NonNullable<StorageAdapter['transact']>)([{ type: 'put', record }]),
    ].map(failureOf);
    await clock.advance(59_999);
    expect(events).toEqual([]);
    await clock.advance(1);
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ name: 'StorageError', code: 'storage_unavailable', retryable: true });
    }
    expect(events).toHaveLength(5);
    expect(clock.pendingTimers).toBe(0);
  });

  it('takes the answer that came while the machine slept', async () => {
    // Late for one timer, as after a sleep, and not for the next one.
    const timers: (() => void)[] = [];
    const clock: Clock = {
      monotonicMs: () => 0,
      wallMs: () => 0,
      setTimer(callback) {
        timers.push(callback);
        return { cancel: () => undefined };
      },
    };
    let answer: (record: undefined) => void = () => undefined;
    const get = () => new Promise<undefined>((resolve) => (answer = resolve));
    const guarded = guardStorage(storageWith({ get }), () => undefined, clock);
    const getting = guarded.get('jobs', 'job_1');
    timers[0]?.();
    answer(undefined);
    expect(await getting).toBeUndefined();
  });

  it('leaves no timer behind an answer, and gives a purge its time', async () => {
    const clock = new ManualClock();
    let purged: (deleted: number) => void = () => undefined;
    const purge = () => new Promise<number>((resolve) => (purged = resolve));
    const guarded = guardStorage(storageWith({ purge }), () => undefined, clock);
    await guarded.get('jobs', 'job_1');
    await clock.advance(0);
    expect(clock.pendingTimers).toBe(0);
    const purging = guarded.purge?.('jobs', {} as never);
    await clock.advance(600_000);
    purged(3);
    expect(await purging).toBe(3);
  });
});

it('a record that is too large for the memory is told with the option that helps', async () => {
  const storage = createMemoryStorage({ maxBytes: 10 });
  const record = { collection: 'outbox', id: 'a', status: 's', data: 'longer than that' } as const;
  const error = await failureOf(storage.put({ ...record, createdAt: new Date(0).toISOString() }));
  expect(error.code).toBe('record_too_large');
  expect(error.message).toMatch(/maxBytes/);
});
