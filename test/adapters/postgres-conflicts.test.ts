import type { StorageAdapter, StorageChange } from 'transcription-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPostgresStorage } from '../../src/adapters/postgres/index.js';
import { record, second } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { openSession, testServer, until, waitingSessions } from './postgres-rig.js';

const rig = testServer({ deadlock_timeout: '100ms' });

let url: string;
let storage: StorageAdapter;

beforeEach(async () => {
  url = await rig.server.createDatabase();
  storage = createPostgresStorage({ connectionString: url });
});

afterEach(() => storage.close?.());

const isWaiting = async (): Promise<boolean> => (await waitingSessions(rig.server, url)).length > 0;

function put(id: string, expectedVersion?: number): StorageChange {
  const condition = expectedVersion === undefined ? {} : { condition: { expectedVersion } };
  return { type: 'put', record: record(id), ...condition };
}

const check = (id: string, expectedVersion: number): StorageChange => ({
  type: 'check',
  collection: 'jobs',
  id,
  condition: { expectedVersion },
});

const UPDATE = (id: string, what = 'version = version + 1'): string =>
  `UPDATE transcription_records SET ${what} WHERE id = '${id}'`;

describe('transactions of PostgreSQL that wait for one another', () => {
  it('and for a session that does so by hand, end', async () => {
    for (const id of ['a', 'b']) await storage.put(record(id));
    const session = await openSession(url);
    await session.query('BEGIN');
    // The one that waits longest is ended, which may be either.
    await session.query(UPDATE('b'));
    const transacting = storage.transact?.([put('a'), put('b')]);
    await until(isWaiting);
    const byHand = await session.query(UPDATE('a')).then(
      () => session.query('COMMIT'),
      () => session.query('ROLLBACK'),
    );
    expect(await transacting).toBe(true);
    const versions = [await storage.get('jobs', 'a'), await storage.get('jobs', 'b')].map(
      (one) => one?.version,
    );
    expect(versions).toEqual(byHand.command === 'COMMIT' ? [3, 3] : [2, 2]);
    await session.end();
  });

  it('in opposite orders, with new and with old records, are all made', async () => {
    for (let round = 0; round < 10; round += 1) {
      const [left, right] = [`left-${round}`, `right-${round}`];
      const outcomes = await Promise.all([
        storage.transact?.([put(left), put(right)]),
        storage.transact?.([put(right), put(left)]),
        storage.transact?.([put(right), put(left)]),
        storage.transact?.([put(left), put(right)]),
      ]);
      expect(outcomes).toEqual([true, true, true, true]);
      expect(await storage.get('jobs', left)).toMatchObject({ version: 4 });
      expect(await storage.get('jobs', right)).toMatchObject({ version: 4 });
    }
  });

  it('in vain end with a typed failure', async () => {
    const name = new URL(url).pathname.slice(1);
    await storage.put(record('a'));
    await rig.server.query(`ALTER DATABASE ${name} SET lock_timeout = '50ms'`);
    const impatient = createPostgresStorage({ connectionString: url });
    const session = await openSession(url);
    await session.query('BEGIN');
    await session.query(UPDATE('a'));
    for (const call of [() => impatient.put(record('a')), () => impatient.transact?.([put('a')])]) {
      const error = await failureOf(Promise.resolve(call()));
      expect(error).toMatchObject({ code: 'storage_unavailable', retryable: true });
      expect(error.message).toMatch(/lock/);
    }
    await session.end();
    expect(await impatient.put(record('a'))).toBe(true);
    await impatient.close?.();
  });

  it('longer than the server lets a statement run end with a typed failure', async () => {
    const name = new URL(url).pathname.slice(1);
    await storage.put(record('a'));
    await rig.server.query(`ALTER DATABASE ${name} SET statement_timeout = '50ms'`);
    const impatient = createPostgresStorage({ connectionString: url });
    const session = await openSession(url);
    await session.query('BEGIN');
    await session.query(UPDATE('a'));
    const error = await failureOf(impatient.put(record('a')));
    expect(error).toMatchObject({ code: 'storage_unavailable', retryable: true });
    expect(error.message).toMatch(/statement_timeout/);
    await session.end();
    expect(await impatient.put(record('a'))).toBe(true);
    await impatient.close?.();
  });

  it('are made where the database makes every transaction serializable', async () => {
    const name = new URL(url).pathname.slice(1);
    await storage.put(record('count', { data: 0 }));
    await rig.server.query(`ALTER DATABASE ${name} SET default_transaction_isolation = 'serializable'`);
    const strict = createPostgresStorage({ connectionString: url });
    const writes = Array.from({ length: 40 }, (_, index) =>
      index % 2 === 0 ? strict.put(record('count')) : strict.transact?.([put('count'), put(`r${index}`)]),
    );
    expect(new Set(await Promise.all(writes))).toEqual(new Set([true]));
    expect(await strict.get('jobs', 'count')).toMatchObject({ version: 41 });
    await strict.close?.();
  });
});

describe('a check of a transaction of PostgreSQL', () => {
  it('that there is no record holds until the transaction is made', async () => {
    for (let round = 0; round < 30; round += 1) {
      const [left, right] = [`left-${round}`, `right-${round}`];
      const outcomes = await Promise.all([
        storage.transact?.([check(left, 0), put(right)]),
        storage.transact?.([check(right, 0), put(left)]),
      ]);
      // Made one after the other, the second one finds what the first one has written.
      expect(outcomes.filter((made) => made)).toHaveLength(1);
      expect((await storage.list('jobs', { limit: 1000 })).items).toHaveLength(round + 1);
    }
  });

  it('waits for a writer of the record, and sees what it has written', async () => {
    const session = await openSession(url);
    await session.query('BEGIN');
    await storage.put(record('a'));
    await session.query(UPDATE('a'));
    const transacting = storage.transact?.([check('a', 1), put('b')]);
    await until(isWaiting);
    await session.query('COMMIT');
    expect(await transacting).toBe(false);
    expect(await storage.get('jobs', 'b')).toBeUndefined();
    await session.end();
  });
});

describe('a purge of PostgreSQL', () => {
  it('leaves a record alone that is renewed meanwhile', async () => {
    await storage.put(record('old', { expiresAt: second(1) }));
    await storage.put(record('renewed', { expiresAt: second(1) }));
    const session = await openSession(url);
    await session.query('BEGIN');
    await session.query(UPDATE('renewed', `version = version + 1, expires_at = '${second(9)}'`));
    const purging = storage.purge?.('jobs', { expiredBy: second(5) });
    await until(isWaiting);
    await session.query('COMMIT');
    expect(await purging).toBe(1);
    expect(await storage.get('jobs', 'renewed')).toMatchObject({ expiresAt: second(9) });
    expect(await storage.get('jobs', 'old')).toBeUndefined();
    await session.end();
  });

  it('ends only when all that fits is gone, also beside another one', async () => {
    for (let start = 0; start < 2500; start += 500) {
      const changes = Array.from({ length: 500 }, (_, index) => put(`r${start + index}`, 0));
      await storage.transact?.(changes);
    }
    const other = createPostgresStorage({ connectionString: url });
    await other.health?.();
    const counts = await Promise.all(
      [storage, other, storage].map(async (each) => {
        const count = (await each.purge?.('jobs', { createdBefore: '2027-01-01T00:00:00.000Z' })) ?? 0;
        expect((await each.list('jobs', { limit: 1 })).items).toEqual([]);
        return count;
      }),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2500);
    await other.close?.();
  });
});

describe('a transaction of PostgreSQL', () => {
  it('may have more changes than a statement takes parameters', async () => {
    await storage.put(record('r5'));
    const changes = Array.from({ length: 40_000 }, (_, index) => ({
      type: 'delete' as const,
      collection: 'jobs' as const,
      id: `r${index}`,
    }));
    expect(await storage.transact?.(changes)).toBe(true);
    expect(await storage.get('jobs', 'r5')).toBeUndefined();
  });
});
