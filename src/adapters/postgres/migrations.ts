import { StorageError } from '../../errors/index.js';
import { sqlState } from './errors.js';
import type { PostgresClient } from './pool.js';

/** The table of records: as it is named in statements, and bare, as its indexes begin. */
export interface TableName {
  readonly qualified: string;
  readonly bare: string;
}

/** Each brings the tables from the version before it, which is its index, to the next one. Never change one. */
export type Migration = (table: TableName) => string;

export const MIGRATIONS: readonly Migration[] = [
  ({ qualified, bare }) => `
    CREATE TABLE ${qualified} (
      sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      collection TEXT NOT NULL,
      id TEXT NOT NULL,
      user_id TEXT,
      status TEXT NOT NULL,
      created_at TEXT COLLATE "C" NOT NULL,
      expires_at TEXT COLLATE "C",
      version BIGINT NOT NULL DEFAULT 1,
      data JSONB NOT NULL,
      UNIQUE (collection, id)
    );
    CREATE INDEX ${bare}_by_time ON ${qualified} (collection, created_at, sequence);
    CREATE INDEX ${bare}_by_user ON ${qualified} (collection, user_id, created_at, sequence)
      WHERE user_id IS NOT NULL;
    CREATE INDEX ${bare}_by_status ON ${qualified} (collection, status, created_at, sequence);
    CREATE INDEX ${bare}_by_expiry ON ${qualified} (collection, expires_at) WHERE expires_at IS NOT NULL;
  `,
];

interface Meta {
  readonly version: number;
  readonly storeId: string;
}

/**
 * Brings the tables to the newest version, in one transaction under a lock of the database: of two processes that
 * start at once one does it, and the other one waits.
 *
 * Resolves to the id of the store. Rejects with what pg rejects with, or with a StorageError for tables that a newer
 * version of this library has made.
 */
export async function migrate(
  client: PostgresClient,
  table: TableName,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<string> {
  // Nothing is written to a database that is as it should be: it may be a standby, or its user may lack the right.
  const known = (await exists(client, `${table.qualified}_meta`)) ? await readMeta(client, table) : undefined;
  if (known !== undefined && isCurrent(known, migrations)) return known.storeId;
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [table.qualified]);
    const { storeId } = await migrateLocked(client, table, migrations);
    await client.query('COMMIT');
    return storeId;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function migrateLocked(
  client: PostgresClient,
  table: TableName,
  migrations: readonly Migration[],
): Promise<Meta> {
  if (!(await exists(client, `${table.qualified}_meta`))) await createMeta(client, table);
  const before = await readMeta(client, table);
  if (isCurrent(before, migrations)) return before;
  for (const migration of migrations.slice(before.version)) await client.query(migration(table));
  await client.query(`UPDATE ${table.qualified}_meta SET version = $1`, [migrations.length]);
  return before;
}

function isCurrent({ version }: Meta, migrations: readonly Migration[]): boolean {
  if (version <= migrations.length) return version === migrations.length;
  throw new StorageError(
    `The database was written by a newer version of this library: its tables have version ${version}, and this ` +
      `one knows ${migrations.length}. Update the library. Nothing was changed.`,
    { code: 'storage_schema' },
  );
}

async function createMeta(client: PostgresClient, table: TableName): Promise<void> {
  if (await exists(client, table.qualified)) throw foreignTable(table.qualified);
  await client.query(
    `CREATE TABLE ${table.qualified}_meta (version INTEGER NOT NULL, store_id TEXT NOT NULL)`,
  );
  await client.query(`INSERT INTO ${table.qualified}_meta (version, store_id) VALUES (0, $1)`, [
    globalThis.crypto.randomUUID(),
  ]);
}

async function exists(client: PostgresClient, name: string): Promise<boolean> {
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS found', [name]);
  return (rows[0] as { found: boolean }).found;
}

async function readMeta(client: PostgresClient, { qualified }: TableName): Promise<Meta> {
  try {
    const { rows } = await client.query(`SELECT version, store_id FROM ${qualified}_meta`);
    const [row] = rows as { version?: unknown; store_id?: unknown }[];
    if (Number.isInteger(row?.version) && typeof row?.store_id === 'string') {
      return { version: row.version as number, storeId: row.store_id };
    }
  } catch (error) {
    // undefined_column
    if (sqlState(error) !== '42703') throw error;
  }
  throw foreignTable(`${qualified}_meta`);
}

function foreignTable(name: string): StorageError {
  return new StorageError(
    `The database has a table ${name} that this library did not make. Choose another name with the option table. ` +
      'Nothing was changed.',
    { code: 'storage_schema' },
  );
}
