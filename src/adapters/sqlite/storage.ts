import type { StorageAdapter } from '../../contracts/storage.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { Lazy } from '../../internal/lazy.js';
import { checkNumber } from '../../internal/validate.js';
import type { SqlDialect } from '../../records/sql.js';
import { createSqlStorage } from '../../records/sql-storage.js';
import { SqliteConnection } from './connection.js';
import { sqliteClosed } from './handle.js';
import { MIGRATIONS } from './migrations.js';
import { checkedPlace, isFile, openPlace, PLACE_KEYS, type SqlitePlaceOptions } from './place.js';

export interface SqliteStorageOptions extends SqlitePlaceOptions {
  /** Name of the table of records; a second one, of the same name with `_meta`, is made as well. Default `transcription_records`. */
  table?: string;
  /** Bytes of the JSON of one record. Larger ones are refused with the code `record_too_large`. Default 67108864 (64 MiB). */
  maxRecordBytes?: number;
}

/**
 * Keeps records in a SQLite file, in WAL mode. Several processes of one machine may share it.
 *
 * Opens the file at the first call. Uses node:sqlite (Node 22.13 or newer), else the package @photostructure/sqlite,
 * else better-sqlite3.
 *
 * @throws BadRequestError for options that are unknown or out of range, StorageError for a database that is closed.
 */
export function createSqliteStorage(options: SqliteStorageOptions): StorageAdapter {
  checkOptions('createSqliteStorage()', options as unknown, [...PLACE_KEYS, 'table', 'maxRecordBytes']);
  const { table = 'transcription_records', maxRecordBytes } = options;
  const place = checkedPlace(options, table);
  checkNumber('maxRecordBytes', maxRecordBytes, { min: 1 });
  const isShared = isFile(place);
  const opening = new Lazy(() => openPlace(place, MIGRATIONS));
  let connection: SqliteConnection | undefined;
  let closing: Promise<void> | undefined;
  async function connect(): Promise<SqliteConnection> {
    if (closing !== undefined) throw sqliteClosed();
    const { handle, storeId } = opening.value ?? (await opening.get());
    connection ??= new SqliteConnection(handle, storeId);
    return connection;
  }
  async function closeOpened(): Promise<void> {
    (await opening.peek())?.close();
  }
  return createSqlStorage({
    capabilities: { shared: isShared, durable: isShared, atomic: true },
    dialect: dialectFor(table),
    maxRecordBytes,
    connect,
    close() {
      closing ??= closeOpened();
      return closing;
    },
  });
}

function dialectFor(table: string): SqlDialect {
  return {
    table: `"${table}"`,
    parameter: () => '?',
    // BEGIN IMMEDIATE keeps all other writers out.
    lockRows: '',
  };
}
