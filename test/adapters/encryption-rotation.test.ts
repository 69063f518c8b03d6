import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type EncryptionKeys, encryptStorage } from '../../src/adapters/encryption/index.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { StorageAdapter, StorageCollection } from '../../src/contracts/storage.js';
import { AbortedError, BadRequestError, StorageError } from '../../src/errors/index.js';
import { createRandom } from '../../src/testing/emulator/faults-random.js';
import { expectRefused, failureOf, NEW_KEY, newKeys, oldKeys, record, slow } from './encryption-samples.js';

const COLLECTIONS: readonly StorageCollection[] = ['transcripts', 'jobs', 'idempotency', 'outbox'];
const onlyNew: EncryptionKeys = { current: 'new', keys: { new: NEW_KEY } };

/** Names of the keys of all records, by id. */
async function keysOf(inner: StorageAdapter, collection: StorageCollection = 'jobs') {
  const { items } = await inner.list(collection, { limit: 1000 });
  return Object.fromEntries(
    items.map(({ id, data }) => [id, (data as { keyId?: string } | null)?.keyId ?? 'none']),
  );
}

/** Under the old key: r0, r1 and so on. */
async function filled(count: number, rest: object = {}): Promise<StorageAdapter> {
  const inner = createMemoryStorage();
  const storage = encryptStorage(inner, oldKeys);
  for (let index = 0; index < count; index++) {
    await storage.put(record(`r${index}`, { data: { count: index }, ...rest }));
  }
  return inner;
}

/** Runs something before the first write of a rotation. */
function beforeFirstPut(inner: StorageAdapter, run: () => Promise<unknown>): StorageAdapter {
  let isFirst = true;
  return {
    ...inner,
    async put(...parameters) {
      if (isFirst) {
        isFirst = false;
        await run();
      }
      return inner.put(...parameters);
    },
  };
}

describe('rotate()', () => {
  it('writes all records with the current key, each of them once, and changes nothing else', async () => {
    const inner = createMemoryStorage();
    const before = encryptStorage(inner, oldKeys);
    for (const collection of COLLECTIONS) {
      const rest = { collection, userId: 'u', expiresAt: '2027-01-01T00:00:00.000Z', data: { collection } };
      for (const id of ['a', 'b', 'c']) await before.put(record(id, rest));
    }
    const storage = encryptStorage(inner, newKeys);
    await storage.put(record('d'));
    const expected = await Promise.all(COLLECTIONS.map((collection) => storage.list(collection, {})));
    expect(await storage.rotate()).toBe(12);
    expect(await storage.rotate()).toBe(0);
    const after = encryptStorage(inner, onlyNew);
    for (const [index, collection] of COLLECTIONS.entries()) {
      const { items } = await after.list(collection, {});
      expect(items).toEqual(
        expected[index]?.items.map((item) => ({ ...item, version: item.id === 'd' ? 1 : 2 })),
      );
    }
  });

  it('goes page by page, over the collections that it is told', async () => {
    const inner = await filled(45);
    const other = record('t', { collection: 'transcripts' });
    await encryptStorage(inner, oldKeys).put(other);
    const limits: unknown[] = [];
    const watched: StorageAdapter = {
      ...inner,
      list: (collection, query) => {
        limits.push([collection, query.limit]);
        return inner.list(collection, query);
      },
    };
    const storage = encryptStorage(watched, newKeys);
    expect(await storage.rotate({ collections: ['jobs'], pageSize: 7 })).toBe(45);
    expect(limits).toEqual(Array.from({ length: 7 }, () => ['jobs', 7]));
    expect(await keysOf(inner, 'transcripts')).toEqual({ t: 'old' });
    expect(await storage.rotate()).toBe(1);
    expect(limits.slice(7)).toEqual([
      ['transcripts', 20],
      ...Array.from({ length: 3 }, () => ['jobs', 20]),
      ['idempotency', 20],
      ['outbox', 20],
      ['webhooks', 20],
    ]);
  });

  it('leaves what another process wrote in between, and does it if that was with an old key', async () => {
    for (const [writerKeys, expected] of [
      [newKeys, 0],
      [oldKeys, 1],
    ] as const) {
      const inner = await filled(1);
      const writer = encryptStorage(inner, writerKeys);
      const storage = encryptStorage(
        beforeFirstPut(inner, () => writer.put(record('r0', { status: 'failed', data: 'theirs' }))),
        newKeys,
      );
      expect(await storage.rotate()).toBe(expected);
      const after = await encryptStorage(inner, onlyNew).get('jobs', 'r0');
      expect(after).toMatchObject({ status: 'failed', data: 'theirs', version: 2 + expected });
    }
  });

  it('does not bring back what was deleted in between', async () => {
    const inner = await filled(3);
    const deleting = beforeFirstPut(inner, () =>
      Promise.all(['r0', 'r1', 'r2'].map((id) => inner.delete('jobs', id))),
    );
    expect(await encryptStorage(deleting, newKeys).rotate()).toBe(0);
    expect(await keysOf(inner)).toEqual({});
  });

  it('does not take what was deleted and written again for what it has listed', async () => {
    const inner = await filled(1);
    const writer = encryptStorage(inner, newKeys);
    const changing: StorageAdapter = {
      ...inner,
      async list(...parameters) {
        const page = await inner.list(...parameters);
        if (await inner.delete('jobs', 'r0')) await writer.put(record('r0', { data: 'theirs' }));
        return page;
      },
    };
    expect(await encryptStorage(changing, newKeys).rotate()).toBe(0);
    expect(await writer.get('jobs', 'r0')).toMatchObject({ data: 'theirs', version: 1 });
  });

  it('runs in two processes at once: each record is written once', async () => {
    const inner = await filled(50);
    const rotations = [1, 2, 3].map((pageSize) => encryptStorage(slow(inner), newKeys).rotate({ pageSize }));
    const written = await Promise.all(rotations);
    expect(written.reduce((sum, count) => sum + count)).toBe(50);
    const { items } = await encryptStorage(inner, onlyNew).list('jobs', {});
    expect(items.map(({ version }) => version)).toEqual(Array.from({ length: 50 }, () => 2));
  });

  it('loses no write of others, whenever they write', async () => {
    const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
    console.log(`rotation among writers: SEED=${seed}`);
    const random = createRandom(seed);
    const inner = await filled(10, { data: { count: 0 } });
    const added = new Map<string, number>();
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      const storage = encryptStorage(
        slow(inner, random),
        writer % 2 === 0 ? newKeys : { ...newKeys, current: 'old' },
      );
      for (let round = 0; round < 40; round++) {
        const id = `r${Math.floor(random() * 10)}`;
        const stored = await storage.get('jobs', id);
        const count = (stored?.data as { count: number } | undefined)?.count ?? 0;
        const condition = { expectedVersion: stored?.version ?? 0 };
        if (await storage.put(record(id, { data: { count: count + 1 } }), condition)) {
          added.set(id, (added.get(id) ?? 0) + 1);
        }
      }
    });
    let isWriting = true;
    const written = Promise.all(writers).finally(() => {
      isWriting = false;
    });
    const rotations = [0, 1].map(async () => {
      const storage = encryptStorage(slow(inner, random), newKeys);
      let count = 0;
      while (isWriting) count += await storage.rotate({ pageSize: 3 });
      return count;
    });
    await written;
    const counts = await Promise.all(rotations);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    await encryptStorage(inner, newKeys).rotate();
    for (const { id, data } of (await encryptStorage(inner, onlyNew).list('jobs', {})).items) {
      expect(data, id).toEqual({ count: added.get(id) ?? 0 });
    }
  });

  it('goes on where one that was cut off has ended', async () => {
    const inner = await filled(10);
    const down = new StorageError('Down.', { code: 'storage_unavailable', retryable: true });
    let left = 4;
    const failing: StorageAdapter = {
      ...inner,
      put: async (...parameters) => {
        if (left === 0) throw down;
        left -= 1;
        return inner.put(...parameters);
      },
    };
    expect(await failureOf(() => encryptStorage(failing, newKeys).rotate({ pageSize: 3 }))).toBe(down);
    expect(Object.values(await keysOf(inner)).sort()).toEqual([
      ...Array.from({ length: 4 }, () => 'new'),
      ...Array.from({ length: 6 }, () => 'old'),
    ]);
    const storage = encryptStorage(inner, newKeys);
    expect((await storage.list('jobs', {})).items).toHaveLength(10);
    expect(await storage.rotate()).toBe(6);
  });

  it('writes all others where some cannot be read, and then says so', async () => {
    const inner = await filled(5);
    for (const id of ['r1', 'r3']) {
      const { data } = (await inner.get('jobs', id)) ?? {};
      await inner.put(record(id, { data: { ...(data as object), tag: 'A'.repeat(24) } }));
    }
    const error = await expectRefused(() => encryptStorage(inner, newKeys).rotate({ pageSize: 2 }));
    expect(error.message).toMatch(/^3 records .* 2 could not be read/);
    expect((error.cause as StorageError).code).toBe('decryption_failed');
    expect(await keysOf(inner)).toEqual({ r0: 'new', r1: 'old', r2: 'new', r3: 'old', r4: 'new' });
    await expectRefused(() => encryptStorage(inner, onlyNew).rotate());
  });

  it('encrypts what is not encrypted where allowPlain is set, and refuses it otherwise', async () => {
    const inner = createMemoryStorage();
    await inner.put(record('a', { data: { text: 'plain' } }));
    await inner.put(record('b', { data: null }));
    await expectRefused(() => encryptStorage(inner, newKeys).rotate());
    expect(await encryptStorage(inner, newKeys, { allowPlain: true }).rotate()).toBe(2);
    expect(await keysOf(inner)).toEqual({ a: 'new', b: 'new' });
    const storage = encryptStorage(inner, onlyNew);
    expect((await storage.get('jobs', 'a'))?.data).toEqual({ text: 'plain' });
    expect((await storage.get('jobs', 'b'))?.data).toBeNull();
  });

  it('leaves active jobs to their workers, unless nothing else uses the storage', async () => {
    const inner = await filled(2, { status: 'active' });
    await encryptStorage(inner, oldKeys).put(record('t', { collection: 'transcripts', status: 'active' }));
    const storage = encryptStorage(inner, newKeys);
    expect(await storage.rotate()).toBe(1);
    expect(await keysOf(inner)).toEqual({ r0: 'old', r1: 'old' });
    expect((await inner.get('jobs', 'r0'))?.version).toBe(1);
    expect(await storage.rotate({ exclusive: true })).toBe(2);
    expect(await keysOf(inner)).toEqual({ r0: 'new', r1: 'new' });
  });

  it('leaves a job that a worker began in between', async () => {
    const inner = await filled(1, { status: 'queued' });
    const worker = encryptStorage(inner, oldKeys);
    const started = beforeFirstPut(inner, () => worker.put(record('r0', { status: 'active' })));
    expect(await encryptStorage(started, newKeys).rotate()).toBe(0);
    expect((await inner.get('jobs', 'r0'))?.version).toBe(2);
  });

  it('needs a storage that writes in one step, or to be alone', async () => {
    const capabilities = { shared: false, durable: false, atomic: false };
    const inner = { ...(await filled(2)), capabilities };
    const storage = encryptStorage(inner, newKeys);
    const error = await failureOf(() => storage.rotate());
    expect((error as StorageError).code).toBe('storage_not_atomic');
    expect(await keysOf(inner)).toEqual({ r0: 'old', r1: 'old' });
    expect(await storage.rotate({ exclusive: true })).toBe(2);
  });

  it('ends with its signal', async () => {
    const inner = await filled(10);
    const controller = new AbortController();
    const aborting = beforeFirstPut(inner, async () => controller.abort());
    const storage = encryptStorage(aborting, newKeys);
    expect(await failureOf(() => storage.rotate({ signal: controller.signal }))).toBeInstanceOf(AbortedError);
    expect(Object.values(await keysOf(inner)).filter((key) => key === 'new')).toHaveLength(1);
  });

  it.each([
    { collections: ['job'] },
    { collections: 'jobs' },
    { pageSize: 0 },
    { pageSize: 1001 },
    { exclusive: 1 },
    { signal: {} },
    { pagesize: 1 },
    null,
  ])('refuses the options %o', async (options) => {
    const storage = encryptStorage(await filled(1), newKeys);
    expect(await failureOf(() => storage.rotate(options as object))).toBeInstanceOf(BadRequestError);
  });
});
