import { describe, expect, it } from 'vitest';
import { encryptStorage } from '../../src/adapters/encryption/index.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { StorageAdapter, StoredRecord } from '../../src/contracts/storage.js';
import { expectRefused, newKeys, oldKeys, record } from './encryption-samples.js';

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CANARY = 'zebra-content';

type Sealed = Record<'keyId' | 'iv' | 'tag' | 'text', string> & { encrypted: number };

async function rawOf(inner: StorageAdapter, id: string): Promise<StoredRecord & { data: Sealed }> {
  return (await inner.get('jobs', id)) as StoredRecord & { data: Sealed };
}

/** Two records of one user, and a way to store other things in the place of the first. */
async function tampering(options = {}) {
  const inner = createMemoryStorage();
  const storage = encryptStorage(inner, newKeys, options);
  await storage.put(record('a', { userId: 'u', data: { text: CANARY } }));
  await storage.put(record('b', { userId: 'u', data: { text: CANARY } }));
  const a = await rawOf(inner, 'a');
  const b = await rawOf(inner, 'b');
  const refuses = async (stored: unknown, what: string, rest: object = {}): Promise<void> => {
    await inner.put(record('a', { userId: 'u', data: stored, ...rest }));
    for (const read of [() => storage.get('jobs', 'a'), () => storage.list('jobs', {})]) {
      const { message } = await expectRefused(read, what);
      expect(message).not.toContain(CANARY);
    }
  };
  return { inner, storage, a: a.data, b: b.data, refuses };
}

describe.each([{ allowPlain: false }, { allowPlain: true }])('an encrypted storage with %o', (options) => {
  it('reads what was not touched', async () => {
    const { inner, storage, a } = await tampering(options);
    await inner.put(record('a', { userId: 'u', data: { ...a } }));
    expect((await storage.get('jobs', 'a'))?.data).toEqual({ text: CANARY });
  });

  it('refuses every character of IV, tag and text that was changed', async () => {
    const { a, refuses } = await tampering(options);
    for (const field of ['iv', 'tag', 'text'] as const) {
      const value = a[field];
      for (let index = 0; index < value.length; index++) {
        // Also the bits of the last character that decoders leave out.
        const next = BASE64[(BASE64.indexOf(value[index] as string) + 1) % 64] as string;
        const changed = value.slice(0, index) + next + value.slice(index + 1);
        await refuses({ ...a, [field]: changed }, `${field} ${index}`);
      }
    }
  });

  it('refuses what was cut off, added to, or written in another way', async () => {
    const { a, refuses } = await tampering(options);
    for (const field of ['iv', 'tag', 'text'] as const) {
      const value = a[field];
      const others = [
        ...['', ' ', value.slice(0, -4), value.slice(4), value.slice(0, -1), `${value}AAAA`, ` ${value}`],
        ...[`${value}\n`, `${value}=`, value.toLowerCase(), null, 1, [value], { value }, undefined],
      ];
      for (const other of others) await refuses({ ...a, [field]: other }, `${field} ${String(other)}`);
    }
    // A tag of 12 bytes is one that GCM itself would take.
    await refuses(
      { ...a, tag: Buffer.from(a.tag, 'base64').subarray(0, 12).toString('base64') },
      'short tag',
    );
  });

  it('refuses other formats, and other names of the key', async () => {
    const { a, refuses } = await tampering(options);
    for (const encrypted of [0, 2, '1', true, null, undefined]) {
      const stored: unknown = { ...a, encrypted: encrypted ?? null };
      await refuses(stored, `format ${String(encrypted)}`);
    }
    for (const keyId of ['old', 'gone', '', 'NEW', 'new ', `new${'x'.repeat(80)}`, null, 1, '__proto__']) {
      await refuses({ ...a, keyId }, `key ${String(keyId)}`);
    }
  });

  it('refuses what was taken from another record, in part or as a whole', async () => {
    const { a, b, refuses } = await tampering(options);
    await refuses(b, 'all of it');
    for (const field of ['iv', 'tag', 'text'] as const) await refuses({ ...a, [field]: b[field] }, field);
    await refuses({ ...a, iv: a.tag, tag: a.iv }, 'IV and tag swapped');
  });

  it('refuses what was copied to another collection, another id or another user', async () => {
    const { inner, storage, a } = await tampering(options);
    const places = [
      record('a', { collection: 'transcripts', userId: 'u' }),
      record('c', { userId: 'u' }),
      record('a', { userId: 'other' }),
      record('a'),
    ];
    for (const place of places) {
      await inner.put({ ...place, data: a });
      await expectRefused(() => storage.get(place.collection, place.id), JSON.stringify(place));
      await inner.delete(place.collection, place.id);
    }
  });

  it('refuses records whose names run into one another', async () => {
    const { inner, storage } = await tampering(options);
    await storage.put(record('x","y', { userId: 'z' }));
    const { data } = await rawOf(inner, 'x","y');
    await inner.put(record('x', { userId: 'y","z', data }));
    await expectRefused(() => storage.get('jobs', 'x'));
  });

  it('refuses a record that the inner storage hands out in the place of another', async () => {
    const { inner, storage } = await tampering(options);
    const swapped = { ...inner, get: async () => inner.get('jobs', 'b') };
    await expectRefused(() => encryptStorage(swapped, newKeys, options).get('jobs', 'a'));
    expect((await storage.get('jobs', 'b'))?.data).toEqual({ text: CANARY });
  });

  it('refuses data of one key under the name of another', async () => {
    const { inner, storage } = await tampering(options);
    await encryptStorage(inner, oldKeys).put(record('c'));
    const { data } = await rawOf(inner, 'c');
    expect((await storage.get('jobs', 'c'))?.data).toEqual({ id: 'c' });
    await inner.put(record('c', { data: { ...data, keyId: 'new' } }));
    await expectRefused(() => storage.get('jobs', 'c'));
  });
});

describe('records that are not encrypted', () => {
  const plain = [{ text: CANARY }, CANARY, null, 1, [], {}, { keyId: 'new', iv: '', tag: '', text: '' }];

  it('are refused', async () => {
    const { refuses } = await tampering();
    for (const data of plain) await refuses(data, JSON.stringify(data));
  });

  it('are read where allowPlain is set, and encrypted when they are written again', async () => {
    const inner = createMemoryStorage();
    const storage = encryptStorage(inner, newKeys, { allowPlain: true });
    for (const [index, data] of plain.entries()) {
      await inner.put(record(`r${index}`, { data }));
      expect((await storage.get('jobs', `r${index}`))?.data).toEqual(data);
      await storage.put(record(`r${index}`, { data }));
      expect((await encryptStorage(inner, newKeys).get('jobs', `r${index}`))?.data).toEqual(data);
    }
  });
});
