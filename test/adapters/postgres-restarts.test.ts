import { type StorageAdapter, StorageError } from 'transcription-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { createPostgresStorage } from '../../src/adapters/postgres/index.js';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { openPool, testServer, until } from './postgres-rig.js';

const rig = testServer();
const UNAVAILABLE = { name: 'StorageError', code: 'storage_unavailable', retryable: true };

let url: string;

beforeEach(async () => {
  url = await rig.server.createDatabase();
});

describe('a PostgreSQL server that is stopped', () => {
  it('is told in time, and used by the same storage once it runs', { timeout: 60_000 }, async () => {
    const pool = openPool({ connectionString: url });
    const used = createPostgresStorage({ connectionString: url, acquireTimeoutMs: 500 });
    const handedIn = createPostgresStorage({ pool, acquireTimeoutMs: 500 });
    const unused = createPostgresStorage({ connectionString: url, acquireTimeoutMs: 500 });
    await used.put(record('used'));
    await handedIn.put(record('handedIn'));
    await rig.server.stop();
    for (const storage of [used, handedIn, unused]) {
      // The first one may have got a connection that is just ending.
      for (let call = 0; call < 3; call += 1) {
        const startedAt = performance.now();
        expect(await failureOf(storage.get('jobs', 'used'))).toMatchObject(UNAVAILABLE);
        expect(performance.now() - startedAt).toBeLessThan(600);
      }
      expect(await failureOf(Promise.resolve(storage.health?.()))).toMatchObject(UNAVAILABLE);
    }
    await rig.server.start();
    for (const storage of [used, handedIn, unused]) {
      expect(await storage.get('jobs', 'used')).toBeDefined();
      await storage.health?.();
      expect(await storage.put(record('after'))).toBe(true);
    }
    expect(pool.totalCount).toBe(1);
    await Promise.all([used.close?.(), handedIn.close?.(), unused.close?.(), pool.end()]);
  });
});

describe('a PostgreSQL server that crashes', () => {
  const WRITERS = 4;

  it('while it is written to loses nothing that was acknowledged', { timeout: 60_000 }, async () => {
    const storage = createPostgresStorage({ connectionString: url, maxConnections: WRITERS });
    const acknowledged: string[] = [];
    let failures = 0;
    let isOver = false;

    async function write(writer: number): Promise<void> {
      for (let step = 0; !isOver; step += 1) {
        const ids = [`left-${writer}-${step}`, `right-${writer}-${step}`];
        try {
          await storage.put(record(`r-${writer}-${step}`));
          acknowledged.push(`r-${writer}-${step}`);
          await storage.transact?.(ids.map((id) => ({ type: 'put', record: record(id) })));
          acknowledged.push(...ids);
        } catch (error) {
          expect(error).toBeInstanceOf(StorageError);
          expect(error).toMatchObject(UNAVAILABLE);
          failures += 1;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    }

    const writers = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    for (let crash = 0; crash < 3; crash += 1) {
      const before = acknowledged.length;
      await until(() => acknowledged.length > before + 40);
      await rig.server.crash();
    }
    const before = acknowledged.length;
    await until(() => acknowledged.length > before + 40);
    isOver = true;
    await writers;
    console.log(`${acknowledged.length} records were acknowledged, ${failures} calls failed.`);
    expect(failures).toBeGreaterThanOrEqual(WRITERS);
    const found = await allIds(storage);
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
    for (const id of found) {
      if (id.startsWith('left')) expect(found).toContain(id.replace('left', 'right'));
      if (id.startsWith('right')) expect(found).toContain(id.replace('right', 'left'));
    }
    await storage.close?.();
  });

  async function allIds(storage: StorageAdapter): Promise<Set<string>> {
    const ids = new Set<string>();
    for (let cursor: string | undefined; ; ) {
      const page = await storage.list('jobs', { limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
      for (const { id } of page.items) ids.add(id);
      cursor = page.nextCursor;
      if (cursor === undefined) return ids;
    }
  }
});
