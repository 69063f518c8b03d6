import { foreignTable, isCurrent, type SchemaState } from '../../records/sql-schema.js';
import { sqlState } from './errors.js';
import type { PostgresClient } from './pool.js';

/** The two tables as they are named in statements, and the name with which the indexes begin. */
export interface TableName {
  readonly records: string;
  readonly meta: string;
  readonly bare: string;
}

export function tableName(bare: string, schema?: string): TableName {
  const place = schema === undefined ? '' : `"${schema}".`;
  return { records: `${place}"${bare}"`, meta: `${place}"${bare}_meta"`, bare };
}

/**
 * Null for text with a NUL character or half of a surrogate pair, which JSON takes and JSONB does not. Also null for
 * text that only looks so.
 */
function asJsonb(column: string): string {
  // Without a backslash in it: how the server reads one is a setting.
  const holds = (sequence: string): string => `strpos(${column}, chr(92) || '${sequence}') > 0`;
  return `CASE WHEN ${holds('u0000')} OR ${holds('ud')} THEN NULL ELSE ${column}::jsonb END`;
}

/** Each brings the tables from the version before it, which is its index, to the next one. Never change one. */
export type Migration = (table: TableName) => string;

export const MIGRATIONS: readonly Migration[] = [
  ({ records, bare }) => `
    CREATE TABLE ${records} (
      sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      collection TEXT NOT NULL,
      id TEXT NOT NULL,
      user_id TEXT,
      status TEXT NOT NULL,
      created_at TEXT COLLATE "C" NOT NULL,
      expires_at TEXT COLLATE "C",
      version BIGINT NOT NULL DEFAULT 1,
      data TEXT NOT NULL,
      data_jsonb JSONB GENERATED ALWAYS AS (${asJsonb('data')}) STORED,
      UNIQUE (collection, id)
    );
    CREATE INDEX ${bare}_by_time ON ${records} (collection, created_at, sequence);
    CREATE INDEX ${bare}_by_user ON ${records} (collection, user_id, created_at, sequence)
      WHERE user_id IS NOT NULL;
    CREATE INDEX ${bare}_by_status ON ${records} (collection, status, created_at, sequence);
    CREATE INDEX ${bare}_by_expiry ON ${records} (collection, expires_at) WHERE expires_at IS NOT NULL;
  `,
];

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
  const known = (await exists(client, table.meta)) ? await readMeta(client, table) : undefined;
  if (known !== undefined && isCurrent(known, migrations)) return known.storeId;
  // Who has waited for the lock must see what was done meanwhile.
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
  try {
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [table.records]);
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
): Promise<SchemaState> {
  if (!(await exists(client, table.meta))) await createMeta(client, table);
  const before = await readMeta(client, table);
  if (isCurrent(before, migrations)) return before;
  for (const migration of migrations.slice(before.version)) await client.query(migration(table));
  await client.query(`UPDATE ${table.meta} SET version = $1`, [migrations.length]);
  return before;
}

async function createMeta(client: PostgresClient, table: TableName): Promise<void> {
  if (await exists(client, table.records)) throw foreignTable(table.records);
  await client.query(`CREATE TABLE ${table.meta} (version INTEGER NOT NULL, store_id TEXT NOT NULL)`);
  await client.query(`INSERT INTO ${table.meta} (version, store_id) VALUES (0, $1)`, [
    globalThis.crypto.randomUUID(),
  ]);
}

async function exists(client: PostgresClient, name: string): Promise<boolean> {
  // The session remembers names that are not there until it reads a table: one that another session has made while
  // this one waited for the lock would still be missing.
  const { rows } = await client.query('SELECT 1 FROM pg_class WHERE oid = to_regclass($1)', [name]);
  return rows.length > 0;
}

async function readMeta(client: PostgresClient, { meta }: TableName): Promise<SchemaState> {
  try {
    // As text: a pool may be set to read numbers in its own way.
    const { rows } = await client.query(`SELECT version::text AS version, store_id FROM ${meta}`);
    const [row] = rows as { version?: unknown; store_id?: unknown }[];
    const isOurs = typeof row?.version === 'string' && /^\d+$/.test(row.version);
    if (isOurs && typeof row.store_id === 'string') {
      return { version: Number(row.version), storeId: row.store_id };
    }
  } catch (error) {
    // undefined_column
    if (sqlState(error) !== '42703') throw error;
  }
  throw foreignTable(meta);
}
