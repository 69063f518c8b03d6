import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { createSqliteStorage, type SqliteDatabase } from '../../src/adapters/sqlite/index.js';
import { MIGRATIONS, migrate } from '../../src/adapters/sqlite/migrations.js';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { inFile, rowsInFile } from './storage-rig.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-schemas-'));
let files = 0;
const newPath = (): string => join(folder, `records-${++files}.db`);

afterAll(() => rmSync(folder, { recursive: true }));

const TABLE = 'transcription_records';

async function written(path: string, id: string, table?: string): Promise<void> {
  const storage = createSqliteStorage(table === undefined ? { path } : { path, table });
  expect(await storage.put(record(id))).toBe(true);
  await storage.close?.();
}

describe('a SQLite file', () => {
  it('of a newer version is refused, and stays as it is', async () => {
    const path = newPath();
    await written(path, 'a');
    inFile(path, (database) => database.exec(`UPDATE ${TABLE}_meta SET version = version + 1`));
    // A copy, which nobody has open: reading an open file lets go of its locks.
    const copy = newPath();
    copyFileSync(path, copy);
    const storage = createSqliteStorage({ path: copy });
    const error = await failureOf(storage.get('jobs', 'a'));
    expect(error).toMatchObject({ code: 'storage_schema', retryable: false });
    expect(error.message).toMatch(/newer version.*version 2.*knows 1/);
    expect(await failureOf(storage.put(record('b')))).toMatchObject({ code: 'storage_schema' });
    await storage.close?.();
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
  });

  it('of an older version becomes one of this version, with its records', async () => {
    const path = newPath();
    await written(path, 'a');
    const database = new DatabaseSync(path) as SqliteDatabase;
    const storeId = migrate(database, TABLE);
    const newer = [...MIGRATIONS, (table: string) => `ALTER TABLE ${table} ADD COLUMN more TEXT DEFAULT 'x'`];
    expect(migrate(database, TABLE, newer)).toBe(storeId);
    expect(migrate(database, TABLE, newer)).toBe(storeId);
    database.close();
    expect(rowsInFile(path, `SELECT id, more FROM ${TABLE}`)).toEqual([{ id: 'a', more: 'x' }]);
    expect(rowsInFile(path, `SELECT version FROM ${TABLE}_meta`)).toEqual([
      { version: MIGRATIONS.length + 1 },
    ]);
  });

  it('of the very first version, which had no table yet, becomes one of this version', async () => {
    const path = newPath();
    const database = new DatabaseSync(path) as SqliteDatabase;
    const storeId = migrate(database, TABLE, []);
    database.close();
    await written(path, 'a');
    expect(rowsInFile(path, `SELECT version, store_id AS id FROM ${TABLE}_meta`)).toEqual([
      { version: MIGRATIONS.length, id: storeId },
    ]);
  });

  it('stays at its version where a migration fails', async () => {
    const path = newPath();
    await written(path, 'a');
    const database = new DatabaseSync(path) as SqliteDatabase;
    const broken = [
      ...MIGRATIONS,
      (table: string) => `ALTER TABLE ${table} ADD COLUMN b; SELECT none FROM b;`,
    ];
    expect(() => migrate(database, TABLE, broken)).toThrow(/no such table/);
    database.close();
    await written(path, 'b');
    expect(rowsInFile(path, `SELECT id FROM ${TABLE}`)).toEqual([{ id: 'a' }, { id: 'b' }]);
  });

  it.each([
    ['a table of the same name', `CREATE TABLE ${TABLE} (a)`],
    ['a table of the same name in capitals', `CREATE TABLE ${TABLE.toUpperCase()} (a)`],
    ['a view of the same name', `CREATE VIEW ${TABLE} AS SELECT 1`],
    ['a table of the name of its versions', `CREATE TABLE ${TABLE}_meta (a)`],
    ['a view of the name of its versions', `CREATE VIEW ${TABLE}_meta AS SELECT 1 AS a`],
    ['an index of the same name', `CREATE TABLE a (b); CREATE INDEX ${TABLE} ON a (b)`],
    [
      'versions that are none',
      `CREATE TABLE ${TABLE}_meta (version, store_id); INSERT INTO ${TABLE}_meta VALUES ('x', 'y')`,
    ],
    [
      'a version below zero',
      `CREATE TABLE ${TABLE}_meta (version, store_id); INSERT INTO ${TABLE}_meta VALUES (-1, 'y')`,
    ],
  ])('with %s of somebody else is refused, and nothing is changed', async (_, sql) => {
    const path = newPath();
    inFile(path, (database) => database.exec(sql));
    const schema = 'SELECT type, name, sql FROM sqlite_schema';
    const before = rowsInFile(path, schema);
    const storage = createSqliteStorage({ path });
    const error = await failureOf(storage.put(record('a')));
    expect(error).toMatchObject({ code: 'storage_schema', retryable: false });
    expect(error.message).toMatch(/option table/);
    await storage.close?.();
    expect(rowsInFile(path, schema)).toEqual(before);
    await written(path, 'a', 'other_records');
  });

  it.each(['order', 'select', 'Index', 'values', '_', 'a'.repeat(48)])(
    'takes the table name %s, whatever it means in SQL',
    async (table) => {
      const path = newPath();
      await written(path, 'a', table);
      const storage = createSqliteStorage({ path, table });
      expect((await storage.list('jobs', { status: 'completed' })).items).toHaveLength(1);
      expect(await storage.purge?.('jobs', { createdBefore: '2027-01-01T00:00:00.000Z' })).toBe(1);
      await storage.close?.();
    },
  );

  it('refuses a table name that SQLite keeps for itself', () => {
    expect(() => createSqliteStorage({ path: newPath(), table: 'sqlite_records' })).toThrow(/table/);
  });

  it('has one table for names that differ in capitals only', async () => {
    const path = newPath();
    await written(path, 'a', 'Records');
    await written(path, 'b', 'records');
    const storage = createSqliteStorage({ path, table: 'RECORDS' });
    expect((await storage.list('jobs', {})).items).toHaveLength(2);
    await storage.close?.();
  });
});
