import { describe, expect, it } from 'vitest';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { RecordInput, StorageCollection } from '../../src/contracts/storage.js';
import { BadRequestError, StorageError } from '../../src/errors/index.js';

function record(id: string, rest: Partial<RecordInput> = {}): RecordInput {
  return {
    collection: 'jobs',
    id,
    status: 'completed',
    createdAt: '2026-01-01T00:00:00.000Z',
    data: { id },
    ...rest,
  };
}

async function idsOf(
  storage: ReturnType<typeof createMemoryStorage>,
  collection: StorageCollection = 'jobs',
) {
  return (await storage.list(collection, {})).items.map(({ id }) => id);
}

describe('memory storage: records', () => {
  it('copies what it takes and what it hands out', async () => {
    const storage = createMemoryStorage();
    const data = { nested: { value: 1 } };
    await storage.put(record('a', { data }));
    data.nested.value = 2;
    const first = await storage.get('jobs', 'a');
    expect(first?.data).toEqual({ nested: { value: 1 } });
    const copy = first?.data as typeof data;
    copy.nested.value = 3;
    expect((await storage.get('jobs', 'a'))?.data).toEqual({ nested: { value: 1 } });
    const listed = (await storage.list('jobs', {})).items[0];
    const listedCopy = listed?.data as typeof data;
    listedCopy.nested.value = 4;
    expect((await storage.get('jobs', 'a'))?.data).toEqual({ nested: { value: 1 } });
  });

  it('keeps the envelope and counts versions', async () => {
    const storage = createMemoryStorage();
    await storage.put(record('a', { userId: 'u' }));
    await storage.put(record('a', { userId: 'u', status: 'failed', data: null }));
    expect(await storage.get('jobs', 'a')).toEqual({
      collection: 'jobs',
      id: 'a',
      userId: 'u',
      status: 'failed',
      createdAt: '2026-01-01T00:00:00.000Z',
      version: 2,
      data: null,
    });
    expect(await storage.get('transcripts', 'a')).toBeUndefined();
    expect(await storage.get('jobs', '__proto__')).toBeUndefined();
  });

  it('writes and deletes only where the expected version is stored', async () => {
    const storage = createMemoryStorage();
    expect(await storage.put(record('a'), { expectedVersion: 1 })).toBe(false);
    expect(await storage.get('jobs', 'a')).toBeUndefined();
    expect(await storage.put(record('a'), { expectedVersion: 0 })).toBe(true);
    expect(await storage.put(record('a', { data: 'other' }), { expectedVersion: 0 })).toBe(false);
    expect((await storage.get('jobs', 'a'))?.data).toEqual({ id: 'a' });
    expect(await storage.delete('jobs', 'a', { expectedVersion: 2 })).toBe(false);
    expect(await storage.delete('jobs', 'a', { expectedVersion: 1 })).toBe(true);
    expect(await storage.delete('jobs', 'a')).toBe(false);
  });

  it('lets exactly one of many writers through', async () => {
    const storage = createMemoryStorage();
    await storage.put(record('a'));
    const writers = Array.from({ length: 50 }, (_, index) =>
      storage.put(record('a', { data: index }), { expectedVersion: 1 }),
    );
    const results = await Promise.all(writers);
    expect(results.filter(Boolean)).toHaveLength(1);
    expect((await storage.get('jobs', 'a'))?.data).toBe(results.indexOf(true));
  });

  it('refuses data that JSON cannot say and changes nothing', async () => {
    const storage = createMemoryStorage();
    await storage.put(record('a'));
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    await expect(storage.put(record('a', { data: circular }))).rejects.toBeInstanceOf(StorageError);
    await expect(storage.put(record('b', { data: 1n }))).rejects.toBeInstanceOf(StorageError);
    expect(await idsOf(storage)).toEqual(['a']);
  });
});

describe('memory storage: lists', () => {
  it('lists newest first, in pages that later writes do not move', async () => {
    const storage = createMemoryStorage();
    for (let index = 0; index < 7; index++) await storage.put(record(`r${index}`));
    const first = await storage.list('jobs', { limit: 3 });
    expect(first.items.map(({ id }) => id)).toEqual(['r6', 'r5', 'r4']);
    await storage.put(record('new'));
    await storage.put(record('r2', { status: 'failed' }));
    await storage.delete('jobs', 'r4');
    const second = await storage.list('jobs', { limit: 3, cursor: first.nextCursor ?? '' });
    expect(second.items.map(({ id }) => id)).toEqual(['r3', 'r2', 'r1']);
    const third = await storage.list('jobs', { limit: 3, cursor: second.nextCursor ?? '' });
    expect(third.items.map(({ id }) => id)).toEqual(['r0']);
    expect(third).not.toHaveProperty('nextCursor');
  });

  it('orders by creation, whatever the order of arrival', async () => {
    const storage = createMemoryStorage();
    const days = [3, 1, 9, 1, 5];
    for (const [index, day] of days.entries()) {
      await storage.put(record(`${day}${'abcde'[index]}`, { createdAt: `2026-01-0${day}T00:00:00.000Z` }));
    }
    expect(await idsOf(storage)).toEqual(['9c', '5e', '3a', '1d', '1b']);
    await storage.put(record('1b', { createdAt: '2026-01-08T00:00:00.000Z' }));
    expect(await idsOf(storage)).toEqual(['9c', '1b', '5e', '3a', '1d']);
  });

  it('filters by user and status, and ends a page only where more follows', async () => {
    const storage = createMemoryStorage();
    for (let index = 0; index < 6; index++) {
      await storage.put(
        record(`r${index}`, {
          userId: index % 2 ? 'odd' : 'even',
          status: index < 3 ? 'failed' : 'completed',
        }),
      );
    }
    const page = await storage.list('jobs', { userId: 'even', status: 'failed', limit: 2 });
    expect(page.items.map(({ id }) => id)).toEqual(['r2', 'r0']);
    expect(page.nextCursor).toBeUndefined();
    expect((await storage.list('jobs', { userId: 'nobody' })).items).toEqual([]);
  });

  it('refuses cursors and limits that are none', async () => {
    const storage = createMemoryStorage();
    const other = createMemoryStorage();
    for (const id of ['a', 'b']) {
      await storage.put(record(id));
      await other.put(record(id));
    }
    const cursor = (await other.list('jobs', { limit: 1 })).nextCursor ?? '';
    expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
    for (const foreign of [cursor, '', 'x', 'bnVsbA']) {
      await expect(storage.list('jobs', { cursor: foreign })).rejects.toBeInstanceOf(StorageError);
    }
    await expect(other.list('transcripts', { cursor })).rejects.toBeInstanceOf(StorageError);
    for (const limit of [0, 1001, 1.5, Number.NaN]) {
      await expect(storage.list('jobs', { limit })).rejects.toBeInstanceOf(BadRequestError);
    }
  });
});

describe('memory storage: bounds', () => {
  it('pushes out the oldest finished record of the collection', async () => {
    const storage = createMemoryStorage({ maxRecords: 3 });
    await storage.put(record('old', { status: 'queued' }));
    await storage.put(record('b'));
    await storage.put(record('c', { status: 'active' }));
    await storage.put(record('t', { collection: 'transcripts' }));
    await storage.put(record('d'));
    expect(await idsOf(storage)).toEqual(['d', 'c', 'old']);
    expect(await idsOf(storage, 'transcripts')).toEqual(['t']);
  });

  it('refuses more where only unfinished jobs are left, and still takes updates', async () => {
    const storage = createMemoryStorage({ maxRecords: 2 });
    await storage.put(record('a', { status: 'queued' }));
    await storage.put(record('b', { status: 'active' }));
    await expect(storage.put(record('c'))).rejects.toMatchObject({ name: 'StorageError', retryable: true });
    expect(await idsOf(storage)).toEqual(['b', 'a']);
    expect(await storage.put(record('a', { status: 'completed' }))).toBe(true);
    await storage.put(record('c'));
    expect(await idsOf(storage)).toEqual(['c', 'b']);
  });

  it('pushes out as many finished records as a large one needs', async () => {
    const storage = createMemoryStorage({ maxBytes: 100 });
    await storage.put(record('queued', { status: 'queued', data: 'x'.repeat(20) }));
    for (const id of ['a', 'b', 'c']) await storage.put(record(id, { data: 'x'.repeat(20) }));
    await storage.put(record('d', { data: 'x'.repeat(40) }));
    expect(await idsOf(storage)).toEqual(['d', 'c', 'queued']);
  });

  it('pushes out nothing for a record that has no room all the same', async () => {
    const storage = createMemoryStorage({ maxBytes: 100 });
    await storage.put(record('finished', { data: 'x'.repeat(20) }));
    await storage.put(record('queued', { status: 'queued', data: 'x'.repeat(50) }));
    for (const write of [
      () => storage.put(record('large', { data: 'x'.repeat(60) })),
      () => storage.transact?.([{ type: 'put', record: record('large', { data: 'x'.repeat(60) }) }]),
    ]) {
      await expect(write()).rejects.toMatchObject({ code: 'storage_full' });
      expect(await idsOf(storage)).toEqual(['queued', 'finished']);
    }
  });

  it('brings back what a transaction pushed out that then failed', async () => {
    const storage = createMemoryStorage({ maxRecords: 3 });
    for (const id of ['a', 'b', 'c']) await storage.put(record(id));
    const before = await storage.list('jobs', {});
    const puts = ['d', 'a', 'e', 'b', 'd'].map((id) => ({ type: 'put', record: record(id) }) as const);
    const failing = {
      type: 'check',
      collection: 'jobs',
      id: 'e',
      condition: { expectedVersion: 7 },
    } as const;
    expect(await storage.transact?.([...puts, failing])).toBe(false);
    expect(await storage.list('jobs', {})).toEqual(before);
    for (const id of ['a', 'b', 'c']) expect(await storage.get('jobs', id)).toBeDefined();
    expect(await storage.get('jobs', 'e')).toBeUndefined();
    expect(await storage.transact?.(puts)).toBe(true);
    expect(await idsOf(storage)).toEqual(['d', 'b', 'e']);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses maxRecords and maxBytes %d', (bound) => {
    expect(() => createMemoryStorage({ maxRecords: bound })).toThrow(BadRequestError);
    expect(() => createMemoryStorage({ maxBytes: bound })).toThrow(BadRequestError);
  });
});
