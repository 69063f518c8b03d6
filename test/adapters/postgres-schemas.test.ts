import pg from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import { createPostgresStorage, type PostgresStorageOptions } from '../../src/adapters/postgres/index.js';
import { MIGRATIONS, migrate, tableName } from '../../src/adapters/postgres/migrations.js';
import type { PostgresClient } from '../../src/adapters/postgres/pool.js';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { openPool, openSession, testServer } from './postgres-rig.js';

const rig = testServer();
const TABLE = 'transcription_records';

let url: string;

beforeEach(async () => {
  url = await rig.server.createDatabase();
});

async function rows(sql: string, connectionString = url): Promise<unknown[]> {
  const session = await openSession(connectionString);
  try {
    return (await session.query(sql)).rows;
  } finally {
    await session.end();
  }
}

async function written(
  id: string,
  options: PostgresStorageOptions = { connectionString: url },
): Promise<void> {
  const storage = createPostgresStorage(options);
  expect(await storage.put(record(id))).toBe(true);
  await storage.close?.();
}

/** The same database by another user. */
function as(user: string): string {
  const other = new URL(url);
  other.username = user;
  return other.href;
}

describe('a PostgreSQL database', () => {
  it('of a newer version is refused, and stays as it is', async () => {
    await written('a');
    await rows(`UPDATE ${TABLE}_meta SET version = version + 1`);
    const storage = createPostgresStorage({ connectionString: url });
    const error = await failureOf(storage.get('jobs', 'a'));
    expect(error).toMatchObject({ code: 'storage_schema', retryable: false });
    expect(error.message).toMatch(/newer version.*version 2.*knows 1/);
    expect(await failureOf(storage.put(record('b')))).toMatchObject({ code: 'storage_schema' });
    await storage.close?.();
    expect(await rows(`SELECT id FROM ${TABLE}`)).toEqual([{ id: 'a' }]);
    expect(await rows(`SELECT version FROM ${TABLE}_meta`)).toEqual([{ version: 2 }]);
  });

  it('of an older version becomes one of this version, with its records', async () => {
    await written('a');
    const session = await openSession(url);
    const client = session as unknown as PostgresClient;
    const table = tableName(TABLE);
    const storeId = await migrate(client, table);
    const newer = [...MIGRATIONS, () => `ALTER TABLE ${TABLE} ADD COLUMN more TEXT DEFAULT 'x'`];
    expect(await migrate(client, table, newer)).toBe(storeId);
    expect(await migrate(client, table, newer)).toBe(storeId);
    await session.end();
    expect(await rows(`SELECT id, more FROM ${TABLE}`)).toEqual([{ id: 'a', more: 'x' }]);
    expect(await rows(`SELECT version FROM ${TABLE}_meta`)).toEqual([{ version: MIGRATIONS.length + 1 }]);
  });

  it('of the very first version, which had no table yet, becomes one of this version', async () => {
    const session = await openSession(url);
    const storeId = await migrate(session as unknown as PostgresClient, tableName(TABLE), []);
    await session.end();
    await written('a');
    expect(await rows(`SELECT version, store_id AS id FROM ${TABLE}_meta`)).toEqual([
      { version: MIGRATIONS.length, id: storeId },
    ]);
  });

  it('stays at its version where a migration fails', async () => {
    await written('a');
    const session = await openSession(url);
    const broken = [...MIGRATIONS, () => `ALTER TABLE ${TABLE} ADD COLUMN b TEXT; SELECT none FROM b`];
    await expect(migrate(session as unknown as PostgresClient, tableName(TABLE), broken)).rejects.toThrow();
    await session.end();
    await written('b');
    expect(await rows(`SELECT * FROM ${TABLE}`)).toHaveLength(2);
  });

  it.each([
    ['a table of the same name', `CREATE TABLE ${TABLE} (a TEXT)`],
    ['a view of the same name', `CREATE VIEW ${TABLE} AS SELECT 1`],
    ['a table of the name of its versions', `CREATE TABLE ${TABLE}_meta (a TEXT)`],
    ['versions that are none', `CREATE TABLE ${TABLE}_meta AS SELECT 'x' AS version, 'y' AS store_id`],
    ['a version below zero', `CREATE TABLE ${TABLE}_meta AS SELECT -1 AS version, 'y' AS store_id`],
    ['no version at all', `CREATE TABLE ${TABLE}_meta (version INTEGER, store_id TEXT)`],
  ])('with %s of somebody else is refused, and nothing is changed', async (_, sql) => {
    await rows(sql);
    const schema =
      "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname";
    const before = await rows(schema);
    const storage = createPostgresStorage({ connectionString: url });
    const error = await failureOf(storage.put(record('a')));
    expect(error).toMatchObject({ code: 'storage_schema', retryable: false });
    expect(error.message).toMatch(/option table/);
    await storage.close?.();
    expect(await rows(schema)).toEqual(before);
    await written('a', { connectionString: url, table: 'other_records' });
  });

  it('whose table is gone says so', async () => {
    const storage = createPostgresStorage({ connectionString: url });
    await storage.put(record('a'));
    await rows(`DROP TABLE ${TABLE}`);
    for (const call of [
      () => storage.get('jobs', 'a'),
      () => storage.put(record('a')),
      () => storage.health?.(),
    ]) {
      expect(await failureOf(Promise.resolve(call()))).toMatchObject({ code: 'storage_schema' });
    }
    await storage.close?.();
  });

  it.each(['order', 'user', 'table', '_', 'a'.repeat(48)])(
    'takes the table name %s, whatever it means in SQL',
    async (table) => {
      await rows('CREATE SCHEMA "group"');
      for (const options of [{ table }, { table, schema: 'group' }]) {
        await written('a', { connectionString: url, ...options });
        const storage = createPostgresStorage({ connectionString: url, ...options });
        expect((await storage.list('jobs', { status: 'completed' })).items).toHaveLength(1);
        expect(await storage.purge?.('jobs', { createdBefore: '2027-01-01T00:00:00.000Z' })).toBe(1);
        await storage.close?.();
      }
    },
  );

  it('without the schema that is named says so', async () => {
    const storage = createPostgresStorage({ connectionString: url, schema: 'nowhere' });
    const error = await failureOf(storage.get('jobs', 'a'));
    expect(error).toMatchObject({ code: 'storage_unavailable', retryable: false });
    expect(error.message).toMatch(/schema/);
    await storage.close?.();
  });
});

describe('storages that find no tables yet', () => {
  it.each(['read committed', 'repeatable read', 'serializable'])(
    'may be five at once, also where transactions are %s',
    async (isolation) => {
      const name = new URL(url).pathname.slice(1);
      await rows(`ALTER DATABASE ${name} SET default_transaction_isolation = '${isolation}'`);
      for (let round = 0; round < 5; round += 1) {
        const table = `records_${round}`;
        const storages = Array.from({ length: 5 }, () =>
          createPostgresStorage({ connectionString: url, table }),
        );
        await Promise.all(storages.map((storage, index) => storage.put(record(`r${index}`))));
        const [first] = storages;
        expect((await first?.list('jobs', {}))?.items).toHaveLength(5);
        expect(await rows(`SELECT version FROM ${table}_meta`)).toEqual([{ version: MIGRATIONS.length }]);
        await Promise.all(storages.map((storage) => storage.close?.()));
      }
    },
  );
});

describe('a user of PostgreSQL', () => {
  it('who may make no tables uses those that are there', async () => {
    await written('a');
    await rows('CREATE ROLE worker LOGIN');
    await rows(`REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT SELECT ON ${TABLE}_meta TO worker;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ${TABLE} TO worker`);
    const storage = createPostgresStorage({ connectionString: as('worker') });
    expect(await storage.get('jobs', 'a')).toBeDefined();
    expect(await storage.put(record('b'))).toBe(true);
    expect(
      await storage.transact?.([
        { type: 'put', record: record('a') },
        { type: 'delete', collection: 'jobs', id: 'b' },
      ]),
    ).toBe(true);
    expect(await storage.purge?.('jobs', { createdBefore: '2027-01-01T00:00:00.000Z' })).toBe(1);
    await storage.health?.();
    await storage.close?.();
  });

  it('who may not write or not even read is told what to check', async () => {
    await written('a');
    await rows('CREATE ROLE reader LOGIN; CREATE ROLE stranger LOGIN');
    await rows(`GRANT SELECT ON ${TABLE}, ${TABLE}_meta TO reader`);
    const reader = createPostgresStorage({ connectionString: as('reader') });
    expect(await reader.get('jobs', 'a')).toBeDefined();
    const stranger = createPostgresStorage({ connectionString: as('stranger') });
    const fresh = createPostgresStorage({ connectionString: as('stranger'), table: 'other_records' });
    for (const call of [
      () => reader.put(record('b')),
      () => reader.transact?.([{ type: 'delete', collection: 'jobs', id: 'a' }]),
      () => reader.health?.(),
      () => stranger.get('jobs', 'a'),
      () => stranger.health?.(),
      () => fresh.get('jobs', 'a'),
    ]) {
      const error = await failureOf(Promise.resolve(call()));
      expect(error).toMatchObject({ code: 'storage_unavailable', retryable: false });
      expect(error.message).toMatch(/rights/);
    }
    for (const storage of [reader, stranger, fresh]) await storage.close?.();
  });

  it('or a database that is not there is told what to check', async () => {
    const nowhere = new URL(url);
    nowhere.pathname = '/nowhere';
    for (const connectionString of [nowhere.href, as('nobody')]) {
      const storage = createPostgresStorage({ connectionString });
      const error = await failureOf(storage.get('jobs', 'a'));
      expect(error).toMatchObject({ code: 'storage_unavailable', retryable: false });
      expect(error.message).toMatch(/user.*database/);
      await storage.close?.();
    }
  });

  it('on a database that is read-only is told so, and reads', async () => {
    await written('a');
    const name = new URL(url).pathname.slice(1);
    await rows(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    const storage = createPostgresStorage({ connectionString: url });
    expect(await storage.get('jobs', 'a')).toBeDefined();
    const fresh = createPostgresStorage({ connectionString: url, table: 'other_records' });
    for (const call of [
      () => storage.put(record('b')),
      () => storage.delete('jobs', 'a'),
      () => storage.transact?.([{ type: 'put', record: record('b') }]),
      () => storage.health?.(),
      () => fresh.get('jobs', 'a'),
    ]) {
      expect(await failureOf(Promise.resolve(call()))).toMatchObject({ code: 'storage_read_only' });
    }
    await storage.close?.();
    await fresh.close?.();
  });
});

describe('a pool that somebody has set up', () => {
  it('may read every type in its own way, and search its own schema', async () => {
    await rows('CREATE SCHEMA app');
    const types = {
      getTypeParser: (oid: number) => {
        if ([20, 21, 23].includes(oid)) return (text: string) => BigInt(text);
        if (oid === 16) return (text: string) => text;
        if (oid === 114 || oid === 3802) return () => 'not the data';
        return (text: string) => text;
      },
    } as unknown as pg.CustomTypesConfig;
    for (const id of ['a', 'b']) {
      const pool = openPool({ connectionString: url, types, options: '-c search_path=app' });
      const storage = createPostgresStorage({ pool });
      expect(await storage.put(record(id))).toBe(true);
      expect(await storage.get('jobs', id)).toEqual({ ...record(id), version: 1 });
      await pool.end();
    }
    expect(await rows(`SELECT id FROM app.${TABLE}`)).toHaveLength(2);
    const pool = openPool({ connectionString: url, types, options: '-c search_path=app' });
    const storage = createPostgresStorage({ pool });
    const { items, nextCursor = '' } = await storage.list('jobs', { limit: 1 });
    expect(items).toHaveLength(1);
    expect((await storage.list('jobs', { cursor: nextCursor })).items).toHaveLength(1);
    expect(await storage.put(record('a'), { expectedVersion: 1 })).toBe(true);
    await storage.health?.();
    await pool.end();
  });

  it('may have its types set for all of pg', async () => {
    const before = pg.types.getTypeParser(20);
    const text = pg.types.getTypeParser(23);
    pg.types.setTypeParser(20, BigInt);
    pg.types.setTypeParser(23, BigInt);
    try {
      await written('a');
      await written('b');
    } finally {
      pg.types.setTypeParser(20, before as (value: string) => unknown);
      pg.types.setTypeParser(23, text as (value: string) => unknown);
    }
  });
});
