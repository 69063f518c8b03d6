import type { StorageAdapter } from 'transcription-client';
import { type FaultProxy, startFaultProxy } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPostgresStorage } from '../../src/adapters/postgres/index.js';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { endSessions, openPool, openSession, testServer, until, waitingSessions } from './postgres-rig.js';

const rig = testServer();
const UNAVAILABLE = { name: 'StorageError', code: 'storage_unavailable', retryable: true };

let url: string;
let proxy: FaultProxy;

beforeEach(async () => {
  url = await rig.server.createDatabase();
  proxy = await startFaultProxy({ target: url });
});

afterEach(() => proxy.close());

/** Keeps a record from being changed, as a slow transaction of somebody else does. */
async function held(id: string): Promise<{ release(): Promise<void> }> {
  const session = await openSession(url);
  await session.query('BEGIN');
  const { rowCount } = await session.query('SELECT 1 FROM transcription_records WHERE id = $1 FOR UPDATE', [
    id,
  ]);
  if (rowCount === 0) {
    await session.query(
      "INSERT INTO transcription_records (collection, id, status, created_at, data) VALUES ('jobs', $1, '', '', '{}')",
      [id],
    );
  }
  return {
    async release() {
      await session.query('ROLLBACK');
      await session.end();
    },
  };
}

const BREAKS: Record<string, () => Promise<void>> = {
  'is ended by the server': async () => endSessions(rig.server, url, await waitingSessions(rig.server, url)),
  'is reset': async () => proxy.reset(),
  'is ended by the network': async () => proxy.halfClose('down'),
  'is answered no longer': async () => proxy.set({ up: { blackhole: true }, down: { blackhole: true } }),
};

const CALLS: Record<string, (storage: StorageAdapter) => Promise<unknown> | undefined> = {
  put: (storage) => storage.put(record('held', { data: 'new' })),
  delete: (storage) => storage.delete('jobs', 'held'),
  transact: (storage) =>
    storage.transact?.([
      { type: 'put', record: record('first', { data: 'new' }) },
      { type: 'put', record: record('held', { data: 'new' }) },
    ]),
  'transact with a new record that another transaction has made': (storage) =>
    storage.transact?.([
      { type: 'put', record: record('first', { data: 'new' }) },
      { type: 'put', record: record('made', { data: 'new' }), condition: { expectedVersion: 0 } },
    ]),
};

describe.each(Object.keys(BREAKS))('a connection of PostgreSQL that %s', (how) => {
  it.each(Object.keys(CALLS))('in the middle of %s is told, and replaced', async (name) => {
    const pool = openPool({ connectionString: proxy.url, max: 3 });
    const storage = createPostgresStorage({ pool, queryTimeoutMs: 1000 });
    for (const id of ['first', 'held']) await storage.put(record(id));
    const holds = [await held('held'), await held('made')];
    const calling = CALLS[name]?.(storage) ?? Promise.resolve();
    const failure = failureOf(calling);
    await until(async () => (await waitingSessions(rig.server, url)).length === 1);
    const startedAt = performance.now();
    await BREAKS[how]?.();
    expect(await failure).toMatchObject(UNAVAILABLE);
    expect(performance.now() - startedAt).toBeLessThan(1500);
    proxy.heal();
    // A server that has lost its client finds out when it may go on.
    await endSessions(rig.server, url, await waitingSessions(rig.server, url));
    for (const hold of holds) await hold.release();
    expect(await storage.get('jobs', 'first')).toMatchObject({ version: 1, data: { id: 'first' } });
    expect(await storage.get('jobs', 'held')).toMatchObject({ version: 1, data: { id: 'held' } });
    expect(await CALLS[name]?.(storage)).toBe(true);
    await until(() => pool.totalCount === pool.idleCount);
    expect(pool.totalCount).toBeLessThanOrEqual(2);
    expect(pool.waitingCount).toBe(0);
    await storage.close?.();
    await pool.end();
  });
});

describe('connections of PostgreSQL', () => {
  it('that end between two calls are replaced', async () => {
    const pool = openPool({ connectionString: url });
    const storage = createPostgresStorage({ pool });
    await Promise.all(Array.from({ length: 5 }, (_, index) => storage.put(record(`r${index}`))));
    expect(pool.totalCount).toBeGreaterThan(1);
    await endSessions(rig.server, url);
    await until(() => pool.totalCount === 0);
    for (let index = 0; index < 5; index += 1) expect(await storage.get('jobs', `r${index}`)).toBeDefined();
    await pool.end();
  });

  it('of a pool of our own that end between two calls end no process', async () => {
    const storage = createPostgresStorage({ connectionString: url });
    await Promise.all(Array.from({ length: 5 }, (_, index) => storage.put(record(`r${index}`))));
    await endSessions(rig.server, url);
    await until(async () => {
      const outcome = await storage.get('jobs', 'r0').catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toMatchObject(UNAVAILABLE);
      return !(outcome instanceof Error);
    });
    await storage.close?.();
  });

  it('that break within an answer are told', async () => {
    const storage = createPostgresStorage({ connectionString: proxy.url });
    await storage.put(record('large', { data: 'x'.repeat(1_000_000) }));
    for (const bytes of [1, 5, 100, 70_000]) {
      proxy.set({ down: { resetAfterBytes: bytes } });
      expect(await failureOf(storage.get('jobs', 'large'))).toMatchObject(UNAVAILABLE);
      proxy.heal();
      expect(await storage.get('jobs', 'large')).toBeDefined();
    }
    await storage.close?.();
  });

  it.each([
    ['refused', { refuse: true }, 1000],
    ['never answered', { down: { blackhole: true } }, 1000],
    ['cut off while they are made', { down: { resetAfterBytes: 10 } }, 1000],
  ])('that are %s are told in time, and made later', async (_, faults, limitMs) => {
    const storage = createPostgresStorage({ connectionString: proxy.url, acquireTimeoutMs: 300 });
    proxy.set(faults);
    for (let call = 0; call < 3; call += 1) {
      const startedAt = performance.now();
      expect(await failureOf(storage.get('jobs', 'a'))).toMatchObject(UNAVAILABLE);
      expect(performance.now() - startedAt).toBeLessThan(limitMs);
    }
    proxy.heal();
    expect(await storage.put(record('a'))).toBe(true);
    proxy.reset();
    proxy.set(faults);
    await until(
      async () => (await storage.get('jobs', 'a').catch((error: unknown) => error)) instanceof Error,
    );
    expect(await failureOf(storage.get('jobs', 'a'))).toMatchObject(UNAVAILABLE);
    proxy.heal();
    await until(
      async () => !((await storage.get('jobs', 'a').catch((error: unknown) => error)) instanceof Error),
    );
    await storage.close?.();
  });
});
