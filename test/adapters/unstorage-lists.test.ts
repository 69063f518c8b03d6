import { afterEach, describe, expect, it, vi } from 'vitest';
import { createUnstorageStorage } from '../../src/adapters/unstorage/index.js';
import { StorageError } from '../../src/errors/index.js';
import {
  type DriverCall,
  indexKeys,
  record,
  recordKeys,
  second,
  sharedMemory,
  walk,
} from './unstorage-rig.js';

const LATE = '2099-01-01T00:00:00.000Z';

/** What the driver was asked for, as `getItem records`. */
function counted(calls: readonly DriverCall[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { method, key } of calls) {
    const name = `${method} ${key.split(':')[1]}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe('unstorage: the calls of the driver', () => {
  it('lists a user of 1,000 records by reading only the page', async () => {
    const store = sharedMemory();
    const calls: DriverCall[] = [];
    const storage = createUnstorageStorage(store.open((call) => void calls.push(call)));
    for (let index = 0; index < 1000; index++) {
      const rest = {
        createdAt: second(index),
        userId: `user-${index % 10}`,
        status: index % 4 < 2 ? 'a' : 'b',
      };
      await storage.put(record(`r${index}`, rest));
    }
    calls.length = 0;
    const first = await storage.list('jobs', { userId: 'user-3', limit: 10 });
    expect(first.items.map(({ id }) => id)).toEqual([...Array(10).keys()].map((row) => `r${993 - row * 10}`));
    expect(counted(calls)).toEqual({ 'getKeys index': 1, 'getItem records': 11, 'getItem meta': 1 });

    calls.length = 0;
    const cursor = first.nextCursor ?? '';
    const second10 = await storage.list('jobs', { userId: 'user-3', limit: 10, cursor });
    expect(second10.items[0]?.id).toBe('r893');
    expect(counted(calls)).toEqual({ 'getKeys index': 1, 'getItem records': 11, 'getItem meta': 2 });

    calls.length = 0;
    const both = await storage.list('jobs', { userId: 'user-3', status: 'b', createdFrom: second(980) });
    expect(both.items.map(({ id }) => id)).toEqual(['r983']);
    expect(counted(calls)).toEqual({ 'getKeys index': 1, 'getItem records': 1 });

    calls.length = 0;
    expect(await storage.purge?.('jobs', { userId: 'user-3', createdBefore: second(20) })).toBe(2);
    expect(counted(calls)).toMatchObject({
      'getKeys index': 1,
      'getItem records': 2,
      'removeItem records': 2,
    });

    calls.length = 0;
    expect((await storage.list('jobs', { limit: 1000 })).items).toHaveLength(998);
    expect(counted(calls)).toEqual({ 'getKeys index': 1, 'getItem records': 998 });
  });

  it('writes a record with two items and leaves nothing of the write before', async () => {
    const store = sharedMemory();
    const calls: DriverCall[] = [];
    const storage = createUnstorageStorage(store.open((call) => void calls.push(call)));
    await storage.put(record('a', { status: 'queued' }));
    calls.length = 0;
    await storage.put(record('a', { status: 'active' }));
    expect(counted(calls)).toEqual({
      'getItem records': 1,
      'setItem index': 1,
      'setItem records': 1,
      'removeItem index': 1,
    });
    expect(indexKeys(store.items)).toHaveLength(1);
    await storage.delete('jobs', 'a');
    expect(indexKeys(store.items)).toEqual([]);
    expect(recordKeys(store.items)).toEqual([]);
  });
});

describe('unstorage: order', () => {
  it('lists records of one moment in the order of their first writes, newest first', async () => {
    const store = sharedMemory();
    const storage = createUnstorageStorage(store.open());
    const ids = Array.from({ length: 30 }, (_, index) => `r${index}`);
    for (const id of ids) await storage.put(record(id));
    for (const id of ids.slice(5, 20)) await storage.put(record(id, { status: 'failed' }));
    expect(await walk(storage, { limit: 7 })).toEqual([...ids].reverse());
    expect(await walk(createUnstorageStorage(store.open()), { limit: 4 })).toEqual([...ids].reverse());
  });

  it('keeps the order of the text also for years with a sign', async () => {
    const storage = createUnstorageStorage(sharedMemory().open());
    const times = [
      '+275760-09-13T00:00:00.000Z',
      '+012345-06-07T08:09:10.111Z',
      '9999-12-31T23:59:59.999Z',
      '2026-01-01T00:00:00.001Z',
      '2026-01-01T00:00:00.000Z',
      '0000-01-01T00:00:00.000Z',
      '-000001-12-31T23:59:59.999Z',
      '-271821-04-20T00:00:00.000Z',
    ];
    for (const createdAt of times) await storage.put(record(createdAt, { createdAt, expiresAt: createdAt }));
    const expected = [...times].sort().reverse();
    expect(await walk(storage, { limit: 3 })).toEqual(expected);
    for (const time of times) {
      expect(await walk(storage, { createdFrom: time })).toEqual(expected.filter((id) => id >= time));
      expect(await walk(storage, { createdBefore: time })).toEqual(expected.filter((id) => id < time));
    }
    const [newest = ''] = expected;
    expect(await storage.purge?.('jobs', { expiredBy: expected[1] ?? '' })).toBe(times.length - 1);
    expect(await walk(storage)).toEqual([newest]);
  });
});

describe('unstorage: lists during writes', () => {
  it('lists a record once that is written again between the keys and the records', async () => {
    const store = sharedMemory();
    const writer = createUnstorageStorage(store.open());
    for (const id of ['a', 'b', 'c']) await writer.put(record(id, { status: 'queued' }));
    let writing: Promise<unknown> | undefined;
    const reader = createUnstorageStorage(
      store.open(async ({ method }) => {
        if (method !== 'getItem') return;
        writing ??= Promise.all(['a', 'b', 'c'].map((id) => writer.put(record(id, { status: 'active' }))));
        await writing;
      }),
    );
    const { items } = await reader.list('jobs', {});
    expect(items.map(({ id, status }) => [id, status])).toEqual([
      ['c', 'active'],
      ['b', 'active'],
      ['a', 'active'],
    ]);
  });

  it('fills a page where entries before it have lost their records', async () => {
    const store = sharedMemory();
    const storage = createUnstorageStorage(store.open());
    for (let index = 0; index < 40; index++)
      await storage.put(record(`r${index}`, { createdAt: second(index) }));
    for (const key of recordKeys(store.items).slice(10, 40)) store.items.delete(key);
    const page = await storage.list('jobs', { limit: 9 });
    expect(page.items.map(({ id }) => id)).toEqual(['r9', 'r8', 'r7', 'r6', 'r5', 'r4', 'r3', 'r2', 'r1']);
    const last = await storage.list('jobs', { limit: 9, cursor: page.nextCursor ?? '' });
    expect(last.items.map(({ id }) => id)).toEqual(['r0']);
    expect((await storage.list('jobs', { limit: 10 })).nextCursor).toBeUndefined();
  });
});

describe('unstorage: cursors', () => {
  it('refuses the cursors of another store and of another prefix', async () => {
    const store = sharedMemory();
    const storages = [
      createUnstorageStorage(store.open()),
      createUnstorageStorage(store.open(), { prefix: 'other' }),
      createUnstorageStorage(sharedMemory().open()),
    ];
    const cursors: string[] = [];
    for (const storage of storages) {
      for (const id of ['a', 'b']) await storage.put(record(id));
      cursors.push((await storage.list('jobs', { limit: 1 })).nextCursor ?? '');
    }
    for (const [index, storage] of storages.entries()) {
      for (const [of, cursor] of cursors.entries()) {
        const listed = storage.list('jobs', { cursor });
        if (index === of) expect((await listed).items.map(({ id }) => id)).toEqual(['a']);
        else await expect(listed).rejects.toMatchObject({ name: 'StorageError', code: 'invalid_option' });
      }
    }
  });

  it('refuses a cursor with a place that is none', async () => {
    const storage = createUnstorageStorage(sharedMemory().open());
    for (const id of ['a', 'b']) await storage.put(record(id));
    const cursor = (await storage.list('jobs', { limit: 1 })).nextCursor ?? '';
    const [storeId, collection] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[];
    for (const place of ['', 'c', 1, null, { a: 1 }]) {
      const forged = Buffer.from(JSON.stringify([storeId, collection, place])).toString('base64url');
      await expect(storage.list('jobs', { cursor: forged })).rejects.toBeInstanceOf(StorageError);
    }
  });

  it('comes to one store id where two processes make it at the same time', async () => {
    const store = sharedMemory();
    let waiting: (() => void)[] = [];
    // Both have seen that there is none before either has written its own.
    const together = async ({ method, key }: DriverCall): Promise<void> => {
      if (method !== 'setItem' || !key.includes(':meta:')) return;
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length < 2) return;
        for (const go of waiting) go();
        waiting = [];
      });
    };
    const [one, two] = [0, 1].map(() => createUnstorageStorage(store.open(together)));
    if (one === undefined || two === undefined) throw new Error('no adapters');
    await Promise.all([one.put(record('a')), two.put(record('b'))]);
    const exchange = async (cursors: readonly (string | undefined)[]): Promise<void> => {
      for (const storage of [one, two]) {
        for (const cursor of cursors) {
          expect((await storage.list('jobs', { cursor: cursor ?? '' })).items).toHaveLength(1);
        }
      }
    };
    const pages = await Promise.all([one.list('jobs', { limit: 1 }), two.list('jobs', { limit: 1 })]);
    await exchange(pages.map(({ nextCursor }) => nextCursor));
    store.items.delete('transcription-client:meta:store');
    const anew = await Promise.all([one.list('jobs', { limit: 1 }), two.list('jobs', { limit: 1 })]);
    await exchange(anew.map(({ nextCursor }) => nextCursor));
  });
});

describe('unstorage: what a crash has left in the index', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is taken away by a purge, once no write can be on its way any more', async () => {
    const store = sharedMemory();
    const storage = createUnstorageStorage(store.open());
    for (const id of ['gone', 'kept']) await storage.put(record(id, { status: 'failed' }));
    const orphan = indexKeys(store.items)[0] ?? '';
    store.items.delete(recordKeys(store.items)[0] ?? '');
    const stale = indexKeys(store.items)[1] ?? '';
    await storage.put(record('kept', { status: 'completed' }));
    store.items.set(stale, 'entry');
    expect(await storage.purge?.('jobs', { createdBefore: LATE, statuses: ['failed'] })).toBe(0);
    expect(indexKeys(store.items)).toEqual(expect.arrayContaining([orphan, stale]));

    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_700_000 });
    expect(await storage.purge?.('jobs', { createdBefore: LATE, statuses: ['failed'] })).toBe(0);
    expect(indexKeys(store.items)).toHaveLength(1);
    expect(await walk(storage)).toEqual(['kept']);
    expect((await storage.get('jobs', 'kept'))?.version).toBe(2);
  });

  it('does not count for a record that has been deleted and written anew', async () => {
    const store = sharedMemory();
    const storage = createUnstorageStorage(store.open());
    await storage.put(record('a', { status: 'failed', userId: 'u' }));
    const old = indexKeys(store.items)[0] ?? '';
    await storage.delete('jobs', 'a');
    await storage.put(record('a', { status: 'completed' }));
    store.items.set(old, 'entry');
    expect(await walk(storage)).toEqual(['a']);
    expect(await walk(storage, { status: 'failed' })).toEqual([]);
    expect(await walk(storage, { userId: 'u' })).toEqual([]);
    expect(await storage.purge?.('jobs', { createdBefore: LATE, statuses: ['failed'] })).toBe(0);
    expect(await walk(storage)).toEqual(['a']);
  });
});
