import { createStorage } from 'unstorage';
import { describe, expect, it } from 'vitest';
import { createUnstorageStorage } from '../../src/adapters/unstorage/index.js';
import { record, recordKeys, sharedMemory, walk } from './unstorage-rig.js';

const LATE = '2027-01-01T00:00:00.000Z';

/** A store with one record, and its item. */
async function oneRecord(data: unknown = { text: 'Grüße 😀' }) {
  const store = sharedMemory();
  await createUnstorageStorage(store.open()).put(record('a', { data, userId: 'user-1' }));
  const key = recordKeys(store.items)[0] ?? '';
  return { ...store, key, value: store.items.get(key) ?? '', storage: createUnstorageStorage(store.open()) };
}

describe('unstorage: values', () => {
  it.each([
    '"12"',
    '12',
    '{"__proto__":{"a":1}}',
    'null',
    'true',
    'false',
    'undefined',
    'NaN',
    '-Infinity',
    '12345678901234567890',
    '1e999',
    ' 1 ',
    '"quoted',
    '[',
    '',
    'base64:AAAA',
    '__OVERLAY_REMOVED__',
    'two\nlines\r\n\u2028\u0000\ufeff',
    Number('12345678901234567890'),
    JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":1}}'),
    JSON.parse('[{"__proto__":1}]'),
    null,
    true,
    [],
    'half \ud83d of a pair',
  ])('come back as they were: %j', async (data) => {
    const store = sharedMemory();
    const storage = createUnstorageStorage(store.open());
    await storage.put(record('a', { data }));
    const found = (await storage.get('jobs', 'a'))?.data;
    expect(JSON.stringify(found)).toBe(JSON.stringify(data));
    expect(found).toEqual(data);
    if (typeof data !== 'string' || data === '') return;
    if (data.includes('\0') || /\p{Surrogate}/u.test(data)) return;
    const odd = record(data, { userId: data, status: data, data: 1 });
    await storage.put(odd);
    expect(await storage.get('jobs', data)).toEqual({ ...odd, version: 1 });
  });

  it('hold no text of a user in their keys', async () => {
    const store = sharedMemory();
    const storage = createUnstorageStorage(store.open());
    await storage.put(record('secret-id', { userId: 'secret-user', status: 'secret-status' }));
    const keys = [...store.items.keys()].join('\n');
    for (const encoding of ['utf8', 'hex', 'base64url'] as const) {
      expect(keys).not.toContain(Buffer.from('secret').toString(encoding));
    }
  });
});

describe('unstorage: damaged values', () => {
  const corrupt = { name: 'StorageError', code: 'storage_corrupt', retryable: false };

  it('are told, wherever the text was cut', async () => {
    const { value } = await oneRecord({ text: 'secret-content', n: 12 });
    const cuts = Array.from({ length: value.length }, (_, length) => length);
    await Promise.all(
      cuts.map(async (length) => {
        const store = await oneRecord({ text: 'secret-content', n: 12 });
        store.items.set(store.key, value.slice(0, length));
        const error = await store.storage.get('jobs', 'a').catch((reason: unknown) => reason);
        expect(error, `cut at ${length}`).toMatchObject(corrupt);
        expect(String(error)).not.toContain('secret-content');
      }),
    );
  });

  it('are told also where what is left of the data is JSON', async () => {
    const { items, key, value, storage } = await oneRecord(123_456);
    for (const damaged of [value.slice(0, -3), `${value}7`]) {
      items.set(key, damaged);
      await expect(storage.get('jobs', 'a')).rejects.toMatchObject(corrupt);
      await expect(storage.list('jobs', {})).rejects.toMatchObject(corrupt);
    }
  });

  it.each([
    'not ours',
    '{"id":"a"}',
    '12',
    'tc0 {}\n{}',
    'tc1 {}\n{}',
    'tc1 null\n{}',
    'tc1 {"__proto__":{}}\n{}',
    'tc1 \n',
  ])('are told where something else is there: %s', async (value) => {
    const { items, key, storage } = await oneRecord();
    items.set(key, value);
    await expect(storage.get('jobs', 'a')).rejects.toMatchObject(corrupt);
    await expect(storage.list('jobs', {})).rejects.toMatchObject(corrupt);
    await expect(storage.put(record('a'))).rejects.toMatchObject(corrupt);
    await expect(storage.delete('jobs', 'a', { expectedVersion: 1 })).rejects.toMatchObject(corrupt);
    expect(await storage.delete('jobs', 'a')).toBe(true);
    expect(await storage.get('jobs', 'a')).toBeUndefined();
    expect(await walk(storage)).toEqual([]);
    expect(await storage.put(record('a'), { expectedVersion: 0 })).toBe(true);
    expect(await walk(storage)).toEqual(['a']);
  });

  it('are told where one field of the envelope is none', async () => {
    const { items, key, value, storage } = await oneRecord();
    const end = value.indexOf('\n');
    const envelope = JSON.parse(value.slice(4, end)) as Record<string, unknown>;
    const wrong = {
      version: '1',
      sequence: 1.5,
      write: 'x',
      length: -1,
      createdAt: 'now',
      id: 1,
      collection: 'x',
    };
    for (const [name, field] of Object.entries({ ...wrong, status: null, userId: {}, expiresAt: 'x' })) {
      items.set(key, `tc1 ${JSON.stringify({ ...envelope, [name]: field })}${value.slice(end)}`);
      await expect(storage.get('jobs', 'a'), name).rejects.toMatchObject(corrupt);
    }
    items.set(key, `tc1 ${JSON.stringify(envelope)}${value.slice(end)}`);
    expect((await storage.get('jobs', 'a'))?.version).toBe(1);
  });

  it('are told where the value belongs to another record', async () => {
    const { items, key, value, storage } = await oneRecord();
    await storage.put(record('b'));
    const other = recordKeys(items).find((one) => one !== key) ?? '';
    items.set(other, value);
    await expect(storage.get('jobs', 'b')).rejects.toMatchObject(corrupt);
    expect((await storage.get('jobs', 'a'))?.id).toBe('a');
  });

  it('are mended by the next write where only the data was cut off', async () => {
    const { items, key, value, storage } = await oneRecord();
    items.set(key, value.slice(0, -3));
    await expect(storage.get('jobs', 'a')).rejects.toMatchObject(corrupt);
    expect(await storage.put(record('a', { data: 'mended' }), { expectedVersion: 1 })).toBe(true);
    expect(await storage.get('jobs', 'a')).toMatchObject({ data: 'mended', version: 2 });
    expect(await walk(storage)).toEqual(['a']);
  });

  it('are read again, because another process may be writing them', async () => {
    const { items, key, value, open } = await oneRecord();
    let reads = 0;
    items.set(key, '');
    const storage = createUnstorageStorage(
      open((call) => {
        if (call.method === 'getItem' && call.key === key && ++reads === 3) items.set(key, value);
      }),
    );
    expect((await storage.get('jobs', 'a'))?.data).toEqual({ text: 'Grüße 😀' });
    expect(reads).toBe(3);
  });

  it('keep no other record from being purged, and are told then', async () => {
    const { items, key, storage } = await oneRecord();
    for (let index = 0; index < 40; index++) await storage.put(record(`r${index}`));
    items.set(key, 'damaged');
    await expect(storage.purge?.('jobs', { createdBefore: LATE })).rejects.toMatchObject(corrupt);
    expect(recordKeys(items)).toEqual([key]);
  });
});

describe('unstorage: values of a newer release', () => {
  it('are refused and left as they are', async () => {
    const { items, key, storage } = await oneRecord();
    for (const value of ['tc2 whatever it is', 'tc10 ']) {
      items.set(key, value);
      const newer = { name: 'StorageError', code: 'storage_schema', retryable: false };
      await expect(storage.get('jobs', 'a')).rejects.toMatchObject(newer);
      await expect(storage.put(record('a'))).rejects.toMatchObject(newer);
      await expect(storage.delete('jobs', 'a')).rejects.toMatchObject(newer);
      await expect(storage.list('jobs', {})).rejects.toMatchObject(newer);
      await expect(storage.purge?.('jobs', { createdBefore: LATE })).rejects.toMatchObject(newer);
      expect(items.get(key)).toBe(value);
    }
  });
});

describe('unstorage: what was never stored', () => {
  it('is not there, and a collection that is none is refused', async () => {
    const storage = createUnstorageStorage(createStorage());
    await storage.put(record('\ufffd', { userId: '\ufffd' }));
    for (const id of ['', 'a\0', '\ud800', 'x'.repeat(513)]) {
      expect(await storage.get('jobs', id)).toBeUndefined();
      expect(await storage.delete('jobs', id)).toBe(false);
    }
    expect(await walk(storage, { userId: '\ud800' })).toEqual([]);
    for (const name of ['', 'x', '__proto__', 'jobs:..', undefined]) {
      const refused = { name: 'StorageError', code: 'invalid_option' };
      await expect(storage.get(name as 'jobs', 'a')).rejects.toMatchObject(refused);
      await expect(storage.list(name as 'jobs', {})).rejects.toMatchObject(refused);
      await expect(storage.delete(name as 'jobs', 'a')).rejects.toMatchObject(refused);
    }
  });

  it('takes a condition without a version for one that does not hold', async () => {
    const storage = createUnstorageStorage(createStorage());
    const condition = {} as { expectedVersion: number };
    expect(await storage.put(record('a'), condition)).toBe(false);
    await storage.put(record('a'));
    expect(await storage.delete('jobs', 'a', condition)).toBe(false);
    expect((await storage.get('jobs', 'a'))?.version).toBe(1);
  });
});
