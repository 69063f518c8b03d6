import { foreignTable, isCurrent, type SchemaState } from '../../records/sql-schema.js';
import { rollBack, type SqliteDatabase } from './database.js';

/** Each brings the tables from the version before it, which is its index, to the next one. Never change one. */
export type Migration = (table: string) => string;

export const MIGRATIONS: readonly Migration[] = [
  (table) => `
    CREATE TABLE "${table}" (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      collection TEXT NOT NULL,
      id TEXT NOT NULL,
      user_id TEXT,
      status TEXT NOT NULL,
      created_at TEXT NOT NULL,
      expires_at TEXT,
      version INTEGER NOT NULL DEFAULT 1,
      data TEXT NOT NULL,
      UNIQUE (collection, id)
    );
    CREATE INDEX ${table}_by_time ON "${table}" (collection, created_at, sequence);
    CREATE INDEX ${table}_by_user ON "${table}" (collection, user_id, created_at, sequence)
      WHERE user_id IS NOT NULL;
    CREATE INDEX ${table}_by_status ON "${table}" (collection, status, created_at, sequence);
    CREATE INDEX ${table}_by_expiry ON "${table}" (collection, expires_at) WHERE expires_at IS NOT NULL;
  `,
];

/**
 * Brings the tables to the newest version, in one transaction: of two processes that start at once one does it, and
 * the other one waits.
 *
 * Returns the id of the store. Throws what SQLite throws, SQLITE_BUSY among it, and a StorageError for tables that
 * a newer version of this library has made.
 */
export function migrate(database: SqliteDatabase, table: string, migrations = MIGRATIONS): string {
  // Nothing is written to a database that is as it should be: it may be read-only.
  const known = hasMeta(database, table) ? readMeta(database, table) : undefined;
  if (known !== undefined && isCurrent(known, migrations)) return known.storeId;
  database.exec('BEGIN IMMEDIATE');
  try {
    const meta = migrateLocked(database, table, migrations);
    database.exec('COMMIT');
    return meta.storeId;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

function migrateLocked(
  database: SqliteDatabase,
  table: string,
  migrations: readonly Migration[],
): SchemaState {
  if (!hasMeta(database, table)) createMeta(database, table);
  const before = readMeta(database, table);
  if (isCurrent(before, migrations)) return before;
  for (const migration of migrations.slice(before.version)) database.exec(migration(table));
  database.prepare(`UPDATE ${table}_meta SET version = ?`).run(migrations.length);
  return before;
}

function createMeta(database: SqliteDatabase, table: string): void {
  if (exists(database, table)) throw foreignTable(table);
  database.exec(`CREATE TABLE ${table}_meta (version INTEGER NOT NULL, store_id TEXT NOT NULL)`);
  database
    .prepare(`INSERT INTO ${table}_meta (version, store_id) VALUES (0, ?)`)
    .run(globalThis.crypto.randomUUID());
}

function hasMeta(database: SqliteDatabase, table: string): boolean {
  return exists(database, `${table}_meta`);
}

/** Tables, views and indexes have their names in common, in capitals or not. */
function exists(database: SqliteDatabase, name: string): boolean {
  const found = database.prepare('SELECT 1 AS found FROM sqlite_schema WHERE name = ? COLLATE NOCASE');
  return found.all(name).length > 0;
}

function readMeta(database: SqliteDatabase, table: string): SchemaState {
  const [row] = readRows(database, table) as { version?: unknown; store_id?: unknown }[];
  // A handle may be set to read numbers as BigInt.
  const version = typeof row?.version === 'bigint' ? Number(row.version) : row?.version;
  const isOurs = typeof version === 'number' && Number.isInteger(version) && version >= 0;
  if (!isOurs || typeof row?.store_id !== 'string') throw foreignTable(`${table}_meta`);
  return { version, storeId: row.store_id };
}

function readRows(database: SqliteDatabase, table: string): unknown[] {
  try {
    return database.prepare(`SELECT version, store_id FROM ${table}_meta`).all();
  } catch (error) {
    // SQLITE_ERROR: it has other columns.
    const { errcode, code } = error as { errcode?: unknown; code?: unknown };
    if (errcode === 1 || code === 'SQLITE_ERROR') return [];
    throw error;
  }
}
