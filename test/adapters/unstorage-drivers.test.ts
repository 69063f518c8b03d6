import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createStorage, type Driver } from 'unstorage';
import fsDriver from 'unstorage/drivers/fs';
import memoryDriver from 'unstorage/drivers/memory';
import nullDriver from 'unstorage/drivers/null';
import { afterAll, describe, expect, it } from 'vitest';
import { createUnstorageStorage, type UnstorageLike } from '../../src/adapters/unstorage/index.js';
import { BadRequestError } from '../../src/errors/index.js';
import { type DriverCall, record, sharedMemory, temporaryFolders, walk, watched } from './unstorage-rig.js';

const folders = temporaryFolders();

afterAll(() => folders.removeAll());

const MEGABYTE = 1_000_000;

describe('unstorage: files', () => {
  const odd = [
    ...[
      'a',
      'A',
      'a/b',
      'a/b/c',
      'a:b',
      '../../etc/passwd',
      '..',
      '.',
      '...',
      '?x=1',
      'a?x',
      'con',
      'nul',
      'a$',
      '$',
    ],
    ...[
      '.hidden',
      'node_modules',
      '.git',
      ' ',
      'a ',
      'a.',
      '\\',
      '\u0001',
      '\u00e9',
      'e\u0301',
      '😀',
      '__proto__',
    ],
    ...['x'.repeat(512), '😀'.repeat(256), 'true', 'null', '12', '"12"'],
  ];

  it('keeps records with odd ids, users and statuses in names that any file system takes', async () => {
    const base = folders.create();
    const storage = createUnstorageStorage(createStorage({ driver: fsDriver({ base }) }));
    for (const id of odd) {
      const rest = { userId: id, status: id, expiresAt: '+012345-01-01T00:00:00.000Z' };
      expect(await storage.put(record(id, rest), { expectedVersion: 0 }), id).toBe(true);
    }
    const reopened = createUnstorageStorage(createStorage({ driver: fsDriver({ base }) }));
    for (const id of odd) {
      expect(await reopened.get('jobs', id)).toMatchObject({ id, userId: id, status: id, version: 1 });
      expect(await walk(reopened, { userId: id })).toEqual([id]);
      expect(await walk(reopened, { status: id })).toEqual([id]);
    }
    expect((await walk(reopened, { limit: 5 })).sort()).toEqual([...odd].sort());
    const names = readdirSync(base, { recursive: true, withFileTypes: true }).map(({ name }) => name);
    expect(names.filter((name) => !/^[a-z0-9-]{1,255}$/.test(name))).toEqual([]);
    for (const id of odd) expect(await reopened.delete('jobs', id)).toBe(true);
    expect(await walk(reopened)).toEqual([]);
  });

  it('lets one of many writers of the process through', async () => {
    const driver = fsDriver({ base: folders.create() });
    const storage = createUnstorageStorage(createStorage({ driver }));
    for (const expectedVersion of [0, 1, 2]) {
      const writes = Array.from({ length: 20 }, (_, writer) =>
        storage.put(record('a', { data: writer }), { expectedVersion }),
      );
      const results = await Promise.all(writes);
      expect(results.filter(Boolean)).toHaveLength(1);
      expect((await storage.get('jobs', 'a'))?.data).toBe(results.indexOf(true));
    }
  });

  it('hands out whole records while they are being written', async () => {
    const storage = createUnstorageStorage(createStorage({ driver: fsDriver({ base: folders.create() }) }));
    const data = (index: number) => ({ index, text: 'ä'.repeat(MEGABYTE), end: index });
    await storage.put(record('a', { data: data(0) }));
    let isDone = false;
    const writing = (async () => {
      for (let index = 1; index <= 20; index++) await storage.put(record('a', { data: data(index) }));
      isDone = true;
    })();
    while (!isDone) {
      const found = (await storage.get('jobs', 'a'))?.data as ReturnType<typeof data>;
      expect(found.end).toBe(found.index);
      expect(found.text).toHaveLength(MEGABYTE);
    }
    await writing;
  });

  it('keeps a record of 50 MB, and refuses one above the limit', async () => {
    const data = 'x'.repeat(50 * MEGABYTE);
    for (const driver of [memoryDriver(), fsDriver({ base: folders.create() })]) {
      const storage = createUnstorageStorage(createStorage({ driver }));
      expect(await storage.put(record('large', { data }))).toBe(true);
      expect((await storage.get('jobs', 'large'))?.data === data).toBe(true);
      const tooLarge = record('large', { data: 'x'.repeat(64 * 1024 * 1024) });
      await expect(storage.put(tooLarge)).rejects.toMatchObject({
        code: 'record_too_large',
        retryable: false,
      });
      expect((await storage.get('jobs', 'large'))?.version).toBe(1);
    }
    const small = createUnstorageStorage(createStorage(), { maxRecordBytes: 100 });
    expect(await small.put(record('a', { data: 'x'.repeat(98) }))).toBe(true);
    await expect(small.put(record('a', { data: 'x'.repeat(99) }))).rejects.toMatchObject({
      code: 'record_too_large',
    });
  });
});

describe('unstorage: drivers that fail in silence', () => {
  it('acknowledges no write that a read-only driver has dropped', async () => {
    const base = folders.create();
    const writable = createUnstorageStorage(createStorage({ driver: fsDriver({ base }) }));
    await writable.put(record('a', { data: 'kept' }));
    const storage = createUnstorageStorage(createStorage({ driver: fsDriver({ base, readOnly: true }) }));
    const readOnly = { name: 'StorageError', code: 'storage_read_only', retryable: false };
    await expect(storage.put(record('a'))).rejects.toMatchObject(readOnly);
    await expect(storage.put(record('b'))).rejects.toMatchObject(readOnly);
    await expect(storage.health?.()).rejects.toMatchObject(readOnly);
    await expect(storage.delete('jobs', 'a')).rejects.toMatchObject({ code: 'storage_failed' });
    expect((await storage.get('jobs', 'a'))?.data).toBe('kept');
    expect(await walk(storage)).toEqual(['a']);
  });

  it('acknowledges no write to a driver that keeps nothing', async () => {
    const storage = createUnstorageStorage(createStorage({ driver: nullDriver() }));
    await expect(storage.put(record('a'))).rejects.toMatchObject({ code: 'storage_read_only' });
    await expect(storage.health?.()).rejects.toMatchObject({ code: 'storage_read_only' });
    expect((await storage.list('jobs', {})).items).toEqual([]);
  });

  it('says no delete and no purge that a driver has dropped', async () => {
    const driver: Driver = { ...memoryDriver(), removeItem: () => undefined };
    const storage = createUnstorageStorage(createStorage({ driver }));
    await expect(storage.health?.()).rejects.toMatchObject({ code: 'storage_failed' });
    const store = sharedMemory();
    await createUnstorageStorage(store.open()).put(record('a'));
    const other = createUnstorageStorage(
      createStorage({ driver: { ...store.driver, removeItem: () => undefined } }),
    );
    const dropped = { code: 'storage_failed', retryable: true };
    await expect(other.delete('jobs', 'a')).rejects.toMatchObject(dropped);
    await expect(other.purge?.('jobs', { createdBefore: '2027-01-01T00:00:00.000Z' })).rejects.toMatchObject(
      dropped,
    );
  });

  it('says that a driver lists no keys, and takes an empty store for empty', async () => {
    const driver: Driver = { ...memoryDriver(), getKeys: () => [] };
    const storage = createUnstorageStorage(createStorage({ driver }));
    expect((await storage.list('jobs', {})).items).toEqual([]);
    await storage.put(record('a'));
    const notListing = { name: 'StorageError', code: 'storage_failed', retryable: false };
    await expect(storage.list('jobs', {})).rejects.toMatchObject(notListing);
    await expect(
      storage.purge?.('jobs', { createdBefore: '2027-01-01T00:00:00.000Z' }),
    ).rejects.toMatchObject(notListing);
  });

  it('tells files that cannot be read from files that are not there', async () => {
    const base = folders.create();
    const storage = createUnstorageStorage(createStorage({ driver: fsDriver({ base }) }));
    await storage.put(record('a'));
    const records = join(base, 'transcription-client', 'records', 'jobs');
    rmSync(records, { recursive: true });
    expect(await storage.get('jobs', 'a')).toBeUndefined();
    writeFileSync(records, 'in the way');
    for (const call of [
      () => storage.get('jobs', 'a'),
      () => storage.put(record('a')),
      () => storage.delete('jobs', 'a'),
      () => storage.list('jobs', {}),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'storage_failed', cause: { code: 'ENOTDIR' } });
    }
    rmSync(records);
    mkdirSync(records);
    expect(await storage.put(record('a'), { expectedVersion: 0 })).toBe(true);
  });
});

describe('unstorage: the storage of the user', () => {
  it('stays as it is when the adapter is closed', async () => {
    let disposed = 0;
    const dispose = (): void => {
      disposed += 1;
    };
    const driver: Driver = { ...memoryDriver(), dispose };
    const user = createStorage({ driver });
    const storage = createUnstorageStorage(user);
    await storage.put(record('a'));
    await storage.close?.();
    await storage.close?.();
    expect(disposed).toBe(0);
    expect(await user.getKeys()).not.toEqual([]);
  });

  it('is shared with other keys, and with other prefixes', async () => {
    const user = createStorage();
    await user.setItem('transcription-client:index:jobs:mine', 'x');
    await user.setItem('mine', { a: 1 });
    const outer = createUnstorageStorage(user, { prefix: 'app' });
    const inner = createUnstorageStorage(user, { prefix: 'app:index:jobs' });
    const plain = createUnstorageStorage(user);
    await inner.put(record('inner'));
    await outer.put(record('outer'));
    await plain.put(record('plain'));
    expect([await walk(outer), await walk(inner), await walk(plain)]).toEqual([
      ['outer'],
      ['inner'],
      ['plain'],
    ]);
    expect(await outer.purge?.('jobs', { createdBefore: '2027-01-01T00:00:00.000Z' })).toBe(1);
    expect(await walk(inner)).toEqual(['inner']);
    expect(await user.getItem('mine')).toEqual({ a: 1 });
  });

  it('is left alone until the first call, and probed once before the first write', async () => {
    const calls: DriverCall[] = [];
    const driver = watched(memoryDriver(), (call) => void calls.push(call));
    const storage = createUnstorageStorage(createStorage({ driver }));
    expect(calls).toEqual([]);
    await Promise.all([storage.put(record('a')), storage.put(record('b'))]);
    await storage.put(record('c'));
    expect(calls.filter(({ method, key }) => method === 'setItem' && key.includes(':probes:'))).toHaveLength(
      1,
    );
    expect(await driver.getKeys('', {})).not.toContainEqual(expect.stringContaining(':probes:'));
  });
});

describe('unstorage: options', () => {
  it('claims nothing that it was not told', () => {
    const storage = createStorage();
    expect(createUnstorageStorage(storage).capabilities).toEqual({
      shared: false,
      durable: false,
      atomic: false,
    });
    const told = createUnstorageStorage(storage, { shared: true, durable: true });
    expect(told.capabilities).toEqual({ shared: true, durable: true, atomic: false });
    expect(told).not.toHaveProperty('transact');
  });

  it.each([
    { prefix: '' },
    { prefix: ':' },
    { prefix: 'a:' },
    { prefix: 'a::b' },
    { prefix: '..' },
    { prefix: 'a/b' },
    { prefix: 'A' },
    { prefix: 'a?b' },
    { prefix: 'x'.repeat(65) },
    { prefix: 1 },
    { shared: 1 },
    { durable: 'yes' },
    { maxRecordBytes: 0 },
    { maxRecordBytes: 1.5 },
    { durabel: true },
    null,
    [],
  ])('refuses %j', (options) => {
    expect(() => createUnstorageStorage(createStorage(), options as never)).toThrow(BadRequestError);
  });

  it.each([undefined, null, 'redis://x', {}, new Map()])('refuses what is no storage', (storage) => {
    expect(() => createUnstorageStorage(storage as unknown as UnstorageLike)).toThrow(BadRequestError);
  });
});
