import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { testStorageContract } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { encryptStorage } from '../../src/adapters/encryption/index.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { StorageAdapter, StorageChange, StoredRecord } from '../../src/contracts/storage.js';
import { StorageError } from '../../src/errors/index.js';
import {
  expectRefused,
  failureOf,
  NEW_KEY,
  newKeys,
  OLD_KEY,
  oldKeys,
  record,
} from './encryption-samples.js';

const runner = { describe, it };
const members = ['transact', 'purge', 'health'] as const;

testStorageContract(runner, {
  capabilities: { shared: false, durable: false, atomic: true },
  members,
  create: () => encryptStorage(createMemoryStorage(), newKeys),
});

describe('in two processes, the second of which has another key to write with', () => {
  const inners = new WeakMap<StorageAdapter, StorageAdapter>();
  const open = (inner: StorageAdapter, current: string): StorageAdapter => {
    const storage = encryptStorage(inner, { ...newKeys, current });
    inners.set(storage, inner);
    return storage;
  };
  const capabilities = { shared: true, durable: false, atomic: true };
  testStorageContract(runner, {
    capabilities,
    members,
    create: () => open({ ...createMemoryStorage(), capabilities }, 'old'),
    reopen: (first) => open(inners.get(first) as StorageAdapter, 'new'),
  });
});

type Sealed = Record<'keyId' | 'iv' | 'tag' | 'text', string> & { encrypted: number };

async function rawOf(inner: StorageAdapter, id: string): Promise<StoredRecord & { data: Sealed }> {
  return (await inner.get('jobs', id)) as StoredRecord & { data: Sealed };
}

/** The documented format, written down a second time. */
function boundData(keyId: string, { collection, id, userId }: Partial<StoredRecord>): Buffer {
  const parts = ['transcription-client/record/1', keyId, collection, id, userId ?? null];
  return Buffer.from(JSON.stringify(parts), 'utf8');
}

function decipher(key: Uint8Array, stored: StoredRecord): unknown {
  const { keyId, iv, tag, text } = stored.data as Sealed;
  const decoder = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64'));
  decoder.setAAD(boundData(keyId, stored));
  decoder.setAuthTag(Buffer.from(tag, 'base64'));
  const bytes = Buffer.concat([decoder.update(Buffer.from(text, 'base64')), decoder.final()]);
  return JSON.parse(bytes.toString('utf8'));
}

const CANARIES = ['zebra-text', 'zebra-word', 'zebra-metadata', 'zebra-speaker', 'zebra-ünïcode'];
const data = {
  text: 'zebra-text',
  words: [{ word: 'zebra-word', speaker: 'zebra-speaker' }],
  metadata: { 'zebra-metadata': ['zebra-ünïcode', 1, null] },
};

describe('what an encrypted storage keeps', () => {
  it('is data that any program can decrypt that knows the format and the key', async () => {
    const inner = createMemoryStorage();
    const storage = encryptStorage(inner, newKeys);
    for (const userId of [undefined, 'user-1']) {
      await storage.put(record('a"ä', { data, ...(userId === undefined ? {} : { userId }) }));
      const raw = await rawOf(inner, 'a"ä');
      expect(Object.keys(raw.data).sort()).toEqual(['encrypted', 'iv', 'keyId', 'tag', 'text']);
      expect({ encrypted: raw.data.encrypted, keyId: raw.data.keyId }).toEqual({
        encrypted: 1,
        keyId: 'new',
      });
      expect(decipher(NEW_KEY, raw)).toEqual(data);
    }
  });

  it('is read where another program wrote it', async () => {
    const inner = createMemoryStorage();
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', OLD_KEY, iv);
    cipher.setAAD(boundData('old', { collection: 'jobs', id: 'a', userId: 'u' }));
    const text = Buffer.concat([cipher.update(JSON.stringify(data), 'utf8'), cipher.final()]);
    const base64 = { iv, tag: cipher.getAuthTag(), text };
    const fields = Object.entries(base64).map(([name, bytes]) => [name, bytes.toString('base64')]);
    const sealed = { encrypted: 1, keyId: 'old', ...Object.fromEntries(fields) };
    await inner.put(record('a', { userId: 'u', data: sealed }));
    expect((await encryptStorage(inner, newKeys).get('jobs', 'a'))?.data).toEqual(data);
  });

  it('is still the format of version 1', async () => {
    const inner = createMemoryStorage();
    const keys = { current: 'k1', keys: { k1: Uint8Array.from({ length: 32 }, (_, index) => index) } };
    const sealed = {
      encrypted: 1,
      keyId: 'k1',
      iv: 'AAECAwQFBgcICQoL',
      tag: 'Gzvz1Oiuk3LQWJGZsXWsew==',
      text: 'PCCifr2R4CGvBuVIDSrnCKGr',
    };
    await inner.put(record('job_1', { userId: 'user-1', data: sealed }));
    expect((await encryptStorage(inner, keys).get('jobs', 'job_1'))?.data).toEqual({ text: 'Grüße' });
  });

  it('holds nothing of the data in clear text, whichever way it was written', async () => {
    const inner = createMemoryStorage();
    const storage = encryptStorage(inner, newKeys);
    await storage.put(record('put', { data }));
    await storage.put(record('text', { data: 'zebra-text' }), { expectedVersion: 0 });
    await storage.transact?.([{ type: 'put', record: record('transact', { data }) }]);
    await storage.put(record('plain-looking', { data: { encrypted: 1, text: 'zebra-text' } }));
    const { items } = await inner.list('jobs', {});
    expect(items).toHaveLength(4);
    const stored = JSON.stringify(items);
    for (const canary of CANARIES) {
      for (const form of [canary, JSON.stringify(canary).slice(1, -1), Buffer.from(canary).toString('hex')]) {
        expect(stored.includes(form), form).toBe(false);
      }
    }
    expect((await storage.get('jobs', 'plain-looking'))?.data).toEqual({ encrypted: 1, text: 'zebra-text' });
  });

  it('leaves the envelope as it is, and takes only what belongs to it', async () => {
    const inner = createMemoryStorage();
    const envelope = { userId: 'u', expiresAt: '2027-01-01T00:00:00.000Z' };
    const written = { ...record('a', envelope), secret: 'zebra-text' };
    await encryptStorage(inner, newKeys).put(written);
    const { data: _sealed, ...clear } = await rawOf(inner, 'a');
    const { data: _plain, ...expected } = record('a', envelope);
    expect(clear).toEqual({ ...expected, version: 1 });
  });

  it('never has the same IV or the same ciphertext twice', async () => {
    const inner = createMemoryStorage();
    const storage = encryptStorage(inner, newKeys);
    const seen = new Set<string>();
    for (let round = 0; round < 50; round++) {
      await storage.put(record('a', { data: 'the same' }));
      const sealed = (await rawOf(inner, 'a')).data;
      for (const part of [sealed.iv, sealed.tag, sealed.text]) seen.add(part);
    }
    expect(seen.size).toBe(150);
  });

  it('is the data of the moment of the call', async () => {
    const storage = encryptStorage(createMemoryStorage(), newKeys);
    const value = { list: [1] };
    const put = storage.put(record('a', { data: value }));
    const transacted = storage.transact?.([{ type: 'put', record: record('b', { data: value }) }]);
    value.list.push(2);
    await Promise.all([put, transacted]);
    expect((await storage.get('jobs', 'a'))?.data).toEqual({ list: [1] });
    expect((await storage.get('jobs', 'b'))?.data).toEqual({ list: [1] });
  });

  it('is null for data that is undefined; what JSON cannot say is refused, and nothing is written', async () => {
    const inner = createMemoryStorage();
    const storage = encryptStorage(inner, newKeys);
    await storage.put(record('a', { data: undefined }));
    expect((await storage.get('jobs', 'a'))?.data).toBeNull();
    for (const bad of [{ big: 1n }, Object.assign([], { 0: 1n })]) {
      expect(await failureOf(() => storage.put(record('b', { data: bad })))).toBeInstanceOf(StorageError);
      const changes: StorageChange[] = [
        { type: 'put', record: record('c') },
        { type: 'put', record: record('b', { data: bad }) },
      ];
      expect(await failureOf(async () => storage.transact?.(changes))).toBeInstanceOf(StorageError);
    }
    expect((await inner.list('jobs', {})).items.map(({ id }) => id)).toEqual(['a']);
  });
});

describe('the members of an encrypted storage', () => {
  const optional = ['transact', 'purge', 'health', 'close'] as const;

  it('are those of the inner one, and rotate', () => {
    const { get, put, list, delete: remove, capabilities } = createMemoryStorage();
    const bare: StorageAdapter = { get, put, list, delete: remove, capabilities };
    const storage = encryptStorage(bare, newKeys);
    expect(Object.keys(storage).sort()).toEqual(['capabilities', 'delete', 'get', 'list', 'put', 'rotate']);
    expect(storage.capabilities).toBe(capabilities);
    for (const name of optional) {
      const one = encryptStorage({ ...bare, [name]: async () => undefined }, newKeys);
      for (const other of optional) expect(other in one, other).toBe(other === name);
    }
  });

  it('call the inner one as its own, with what they were given', async () => {
    const calls: unknown[][] = [];
    class Inner {
      readonly capabilities = { shared: true, durable: true, atomic: true };
      readonly #answer = 7;
      get = async () => undefined;
      put = async () => true;
      list = async () => ({ items: [] });
      async delete(...all: unknown[]) {
        calls.push(['delete', ...all]);
        return this.#answer === 7;
      }
      async purge(...all: unknown[]) {
        calls.push(['purge', ...all]);
        return this.#answer;
      }
      async close() {
        calls.push(['close', this.#answer]);
      }
    }
    const storage = encryptStorage(new Inner(), newKeys);
    const query = { createdBefore: '2026-01-01T00:00:00.000Z' };
    expect(await storage.delete('jobs', 'a', { expectedVersion: 2 })).toBe(true);
    expect(await storage.purge?.('jobs', query)).toBe(7);
    await storage.close?.();
    expect(calls).toEqual([
      ['delete', 'jobs', 'a', { expectedVersion: 2 }],
      ['purge', 'jobs', query],
      ['close', 7],
    ]);
  });

  it('pass failures of the inner one through unchanged', async () => {
    const failure = new StorageError('Down.', { code: 'storage_unavailable', retryable: true });
    const fail = async (): Promise<never> => Promise.reject(failure);
    const inner = { ...createMemoryStorage(), get: fail, put: fail, list: fail, transact: fail };
    const storage = encryptStorage(inner, newKeys);
    expect(await failureOf(() => storage.get('jobs', 'a'))).toBe(failure);
    expect(await failureOf(() => storage.put(record('a')))).toBe(failure);
    expect(await failureOf(() => storage.list('jobs', {}))).toBe(failure);
    expect(await failureOf(async () => storage.transact?.([]))).toBe(failure);
  });
});

describe('keys of an encrypted storage', () => {
  it('that are older are read as long as they are there', async () => {
    const inner = createMemoryStorage();
    await encryptStorage(inner, oldKeys).put(record('a', { data }));
    expect((await encryptStorage(inner, newKeys).get('jobs', 'a'))?.data).toEqual(data);
    const without = encryptStorage(inner, { current: 'new', keys: { new: NEW_KEY } });
    for (const read of [() => without.get('jobs', 'a'), () => without.list('jobs', {})]) {
      expect((await expectRefused(read)).message).toContain("'old'");
    }
  });

  it('with the same name and other bytes are refused', async () => {
    const inner = createMemoryStorage();
    await encryptStorage(inner, oldKeys).put(record('a', { data }));
    const wrong = encryptStorage(inner, { current: 'old', keys: { old: NEW_KEY } });
    expect((await expectRefused(() => wrong.get('jobs', 'a'))).message).toContain("'old'");
  });
});
