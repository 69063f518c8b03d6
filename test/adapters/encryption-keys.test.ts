import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type EncryptionKeys,
  encryptAudioStore,
  encryptStorage,
} from '../../src/adapters/encryption/index.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { AudioStore, StorageAdapter } from '../../src/contracts/index.js';
import { BadRequestError } from '../../src/errors/index.js';
import {
  createTestAudioStore,
  expectNoKeys,
  NEW_KEY,
  newKeys,
  OLD_KEY,
  record,
} from './encryption-samples.js';

const SECRET = randomBytes(32);

function refusalOf(keys: unknown, options?: unknown): BadRequestError {
  const makers = [
    () => encryptStorage(createMemoryStorage(), keys as EncryptionKeys, options as object),
    () => encryptAudioStore(createTestAudioStore(), keys as EncryptionKeys),
  ];
  const errors = makers.slice(0, options === undefined ? 2 : 1).map((make) => {
    try {
      make();
    } catch (error) {
      expect(error).toBeInstanceOf(BadRequestError);
      expectNoKeys(error, [SECRET, SECRET.subarray(0, 31)]);
      return error as BadRequestError;
    }
    return expect.unreachable('the keys were taken');
  });
  return errors[0] as BadRequestError;
}

describe('encryption keys', () => {
  it.each([
    ['bytes', SECRET],
    [
      'a view in the middle of a buffer',
      new Uint8Array(Buffer.concat([SECRET, SECRET, SECRET])).subarray(32, 64),
    ],
    ['hexadecimal text', SECRET.toString('hex')],
    ['hexadecimal text in capitals', SECRET.toString('hex').toUpperCase()],
    ['base64', SECRET.toString('base64')],
  ])('are taken as %s, and are the same key', async (_what, key) => {
    const inner = createMemoryStorage();
    await encryptStorage(inner, { current: 'k', keys: { k: key } }).put(record('a', { data: 'text' }));
    const same = encryptStorage(inner, { current: 'k', keys: { k: Uint8Array.from(SECRET) } });
    expect((await same.get('jobs', 'a'))?.data).toBe('text');
  });

  it.each([
    ['31 bytes', SECRET.subarray(0, 31)],
    ['33 bytes', Buffer.concat([SECRET, SECRET]).subarray(0, 33)],
    ['no bytes', new Uint8Array(0)],
    ['an ArrayBuffer', Uint8Array.from(SECRET).buffer],
    ['a Uint16Array', new Uint16Array(16)],
    ['an array of numbers', [...SECRET]],
    ['hexadecimal text of 31 bytes', SECRET.subarray(0, 31).toString('hex')],
    ['base64 of 31 bytes', SECRET.subarray(0, 31).toString('base64')],
    ['base64 without its padding', SECRET.toString('base64').replace('=', '')],
    ['base64 of 32 bytes and one bit', `${'A'.repeat(42)}E`],
    ['base64 with a line end', `${SECRET.toString('base64')}\n`],
    ['base64url', Buffer.alloc(32, 0xff).toString('base64url')],
    ['base64 that is not the shortest for its bytes', `${'A'.repeat(42)}B=`],
    ['raw text', SECRET.toString('latin1')],
    ['a password', 'correct horse battery staple 123'],
    ['an empty text', ''],
    ['undefined', undefined],
    ['null', null],
  ])('are refused as %s', (_what, key) => {
    const error = refusalOf({ current: 'k', keys: { k: key } });
    expect(error.code).toBe('invalid_option');
    expect(error.message).toContain("'k'");
    if (typeof key === 'string' && key !== '') expect(error.message).not.toContain(key);
  });

  it.each([
    ['empty', ''],
    ['too long', 'x'.repeat(65)],
    ['with a space', 'a b'],
    ['with a slash', 'a/b'],
    ['with a line end', 'a\n'],
    ['with an umlaut', 'ä'],
  ])('need a name that is not %s', (_what, id) => {
    expect(refusalOf({ current: id, keys: { [id]: SECRET } }).code).toBe('invalid_option');
  });

  it.each(['k', 'x'.repeat(64), 'A_b.c-9', '__proto__', 'constructor', '0'])(
    'take the name %s',
    async (id) => {
      const storage = encryptStorage(createMemoryStorage(), { current: id, keys: { [id]: SECRET } });
      await storage.put(record('a'));
      expect((await storage.get('jobs', 'a'))?.data).toEqual({ id: 'a' });
    },
  );

  it('need a current one that is among them', () => {
    for (const current of ['other', '', undefined, 1, 'toString', SECRET.toString('base64')]) {
      expect(refusalOf({ current, keys: { k: SECRET } }).code).toBe('invalid_option');
    }
    expect(refusalOf({ current: 'k', keys: {} }).code).toBe('invalid_option');
  });

  it('show none of themselves where names and keys were swapped, or the options are others', () => {
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) {
      const text = SECRET.toString(encoding);
      refusalOf({ current: 'k', keys: { [text]: 'k' } });
      refusalOf({ current: text, keys: { k: 'k' } });
      refusalOf({ current: 'k', keys: text });
      refusalOf(text);
      // No form in which a key is taken is as short as the names that a message repeats.
      if (encoding !== 'latin1') refusalOf({ [text]: 'k' });
    }
    for (const keys of [undefined, null, [], SECRET, new Map()]) {
      expect(refusalOf(keys).code).toBe('invalid_option');
      expect(refusalOf({ current: 'k', keys }).code).toBe('invalid_option');
    }
    expect(refusalOf({ current: 'k', keys: { k: SECRET }, spare: SECRET }).code).toBe('unknown_option');
  });

  it('are copied: what the caller does to them later changes nothing', async () => {
    const key = Uint8Array.from(SECRET);
    const keys = { current: 'k', keys: { k: key } };
    const inner = createMemoryStorage();
    const storage = encryptStorage(inner, keys);
    key.fill(0);
    keys.current = 'gone';
    keys.keys = { k: key };
    await storage.put(record('a', { data: 'text' }));
    const same = encryptStorage(inner, { current: 'k', keys: { k: SECRET } });
    expect((await same.get('jobs', 'a'))?.data).toBe('text');
  });

  it('are not left in the memory that small buffers share', () => {
    const secret = randomBytes(32);
    const isInPool = (): boolean => Buffer.from(Buffer.from('x').buffer).includes(secret);
    const text = secret.toString('hex');
    const decoded = Buffer.from(text, 'hex');
    expect(isInPool()).toBe(true);
    decoded.fill(0);
    for (const key of [text, secret.toString('base64')]) {
      encryptStorage(createMemoryStorage(), { current: 'k', keys: { k: key } });
      expect(isInPool()).toBe(false);
    }
  });

  it('are nowhere in what was made with them', async () => {
    const store = createTestAudioStore();
    const audio = encryptAudioStore(store, newKeys);
    const { ref } = await audio.put(new Blob(['audio']).stream());
    const opened = await audio.open(ref);
    const iterator = opened.chunks[Symbol.asyncIterator]();
    await iterator.next();
    for (const value of [encryptStorage(createMemoryStorage(), newKeys), audio, opened, iterator]) {
      expectNoKeys(value, [OLD_KEY, NEW_KEY]);
    }
    await iterator.return?.();
  });
});

describe('the options of encryption', () => {
  it('are refused where they are none', () => {
    const keys = { current: 'k', keys: { k: SECRET } };
    expect(refusalOf(keys, { allowPlain: 1 }).code).toBe('invalid_option');
    expect(refusalOf(keys, { allowPlan: true }).message).toContain('Did you mean allowPlain?');
    expect(refusalOf(keys, null).code).toBe('invalid_option');
  });

  it('take only what is a storage, or an audio store', () => {
    for (const value of [undefined, null, {}, createTestAudioStore(), () => undefined]) {
      expect(() => encryptStorage(value as unknown as StorageAdapter, newKeys)).toThrow(BadRequestError);
    }
    for (const value of [undefined, null, {}, createMemoryStorage()]) {
      expect(() => encryptAudioStore(value as unknown as AudioStore, newKeys)).toThrow(BadRequestError);
    }
  });
});
