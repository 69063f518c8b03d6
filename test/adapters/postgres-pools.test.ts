import { beforeEach, describe, expect, it } from 'vitest';
import { createPostgresStorage } from '../../src/adapters/postgres/index.js';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { openPool, openSession, testServer, until, waitingSessions } from './postgres-rig.js';

const rig = testServer({ max_connections: '12' });
const UNAVAILABLE = { name: 'StorageError', code: 'storage_unavailable', retryable: true };

let url: string;

beforeEach(async () => {
  url = await rig.server.createDatabase();
});

describe('a pool of PostgreSQL whose connections are all taken', () => {
  it.each([true, false])(
    'is told in time, and is used once they are back (opened before: %s)',
    async (isOpen) => {
      const pool = openPool({ connectionString: url, max: 2 });
      const storage = createPostgresStorage({ pool, acquireTimeoutMs: 200 });
      if (isOpen) await storage.put(record('a'));
      const taken = [await pool.connect(), await pool.connect()];
      for (let call = 0; call < 3; call += 1) {
        const startedAt = performance.now();
        const error = await failureOf(storage.get('jobs', 'a'));
        const tookMs = performance.now() - startedAt;
        expect(error).toMatchObject(UNAVAILABLE);
        expect(error.message).toMatch(/pool/);
        expect(tookMs).toBeGreaterThan(190);
        expect(tookMs).toBeLessThan(400);
      }
      for (const client of taken) client.release();
      // Those that came too late go back by themselves.
      await until(() => pool.idleCount === 2 && pool.waitingCount === 0);
      expect(await storage.put(record('b'))).toBe(true);
      expect(await Promise.all(Array.from({ length: 5 }, () => storage.get('jobs', 'b')))).toHaveLength(5);
      expect(pool.idleCount).toBe(2);
      await pool.end();
    },
  );

  it('says so also where the pool is our own', async () => {
    const storage = createPostgresStorage({
      connectionString: url,
      maxConnections: 1,
      acquireTimeoutMs: 200,
    });
    await storage.put(record('a'));
    const session = await openSession(url);
    await session.query('BEGIN');
    await session.query('SELECT 1 FROM transcription_records FOR UPDATE');
    const writing = storage.put(record('a'));
    await until(async () => (await waitingSessions(rig.server, url)).length === 1);
    const error = await failureOf(storage.get('jobs', 'a'));
    expect(error).toMatchObject(UNAVAILABLE);
    expect(error.message).toMatch(/pool/);
    await session.end();
    expect(await writing).toBe(true);
    expect(await storage.get('jobs', 'a')).toMatchObject({ version: 2 });
    await storage.close?.();
  });

  it('may be closed by its owner', async () => {
    const pool = openPool({ connectionString: url });
    const storage = createPostgresStorage({ pool });
    await storage.put(record('a'));
    await pool.end();
    expect(await failureOf(storage.get('jobs', 'a'))).toMatchObject({ code: 'storage_unavailable' });
    await storage.close?.();
  });
});

describe('a PostgreSQL storage that is closed', () => {
  it('leaves a pool open that was handed in', async () => {
    const pool = openPool({ connectionString: url });
    const storage = createPostgresStorage({ pool });
    await storage.put(record('a'));
    await storage.close?.();
    await storage.close?.();
    const error = await failureOf(storage.get('jobs', 'a'));
    expect(error).toMatchObject({ code: 'storage_unavailable', retryable: false });
    expect((await pool.query('SELECT 1 FROM transcription_records')).rowCount).toBe(1);
    await pool.end();
  });

  it('during calls settles each of them soon, and has stored what was acknowledged', async () => {
    const storage = createPostgresStorage({ connectionString: url, maxConnections: 2 });
    await storage.put(record('first'));
    const calls = Array.from({ length: 30 }, (_, index) => storage.put(record(`r${index}`)));
    const startedAt = performance.now();
    const closing = [storage.close?.(), storage.close?.()];
    const outcomes = await Promise.allSettled(calls);
    await Promise.all(closing);
    expect(performance.now() - startedAt).toBeLessThan(2000);
    await expectStored(outcomes);
    await until(async () => (await sessions()) === 0);
  });

  it('during its first calls settles them as well', async () => {
    const storage = createPostgresStorage({ connectionString: url, maxConnections: 2 });
    const calls = Array.from({ length: 10 }, (_, index) => storage.put(record(`r${index}`)));
    const startedAt = performance.now();
    const closing = storage.close?.();
    const outcomes = await Promise.allSettled(calls);
    await closing;
    expect(performance.now() - startedAt).toBeLessThan(2000);
    await expectStored(outcomes);
    await until(async () => (await sessions()) === 0);
  });

  it('before its first call connects to nothing', async () => {
    const storage = createPostgresStorage({ connectionString: url });
    await storage.close?.();
    await storage.close?.();
    expect(await failureOf(storage.put(record('a')))).toMatchObject({ code: 'storage_unavailable' });
  });

  async function sessions(): Promise<number> {
    const name = new URL(url).pathname.slice(1);
    const rows = await rig.server.query(`SELECT 1 FROM pg_stat_activity WHERE datname = '${name}'`);
    return rows.length;
  }

  async function expectStored(outcomes: readonly PromiseSettledResult<boolean>[]): Promise<void> {
    const again = createPostgresStorage({ connectionString: url });
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') expect(await again.get('jobs', `r${index}`)).toBeDefined();
      else expect(outcome.reason).toMatchObject({ name: 'StorageError', code: 'storage_unavailable' });
    }
    await again.close?.();
  }
});

describe('a PostgreSQL server that takes no more connections', () => {
  it('is told, and used once it takes some', async () => {
    const storage = createPostgresStorage({ connectionString: url, maxConnections: 1 });
    const sessions = [];
    for (;;) {
      const session = await openSession(url).catch(() => undefined);
      if (session === undefined) break;
      sessions.push(session);
    }
    expect(sessions.length).toBeGreaterThan(5);
    const error = await failureOf(storage.put(record('a')));
    expect(error).toMatchObject(UNAVAILABLE);
    expect(error.message).toMatch(/no connection left/);
    for (const session of sessions) await session.end();
    await until(async () => (await storage.put(record('a')).catch(() => false)) === true);
    await storage.close?.();
  });
});
