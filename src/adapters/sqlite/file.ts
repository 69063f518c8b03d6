import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { type BusyPatience, whileBusy } from './busy.js';
import type { DatabaseClass, SqliteDatabase } from './database.js';
import { readOnlyError, toSqliteError } from './errors.js';

export interface FileSettings extends BusyPatience {
  readonly path: string;
  readonly synchronous: 'normal' | 'full';
}

/**
 * Opens the file, and makes it where it is not there.
 *
 * Rejects with a StorageError.
 */
export async function openFile(
  DatabaseClass: DatabaseClass,
  settings: FileSettings,
): Promise<SqliteDatabase> {
  const { path } = settings;
  createPrivateFile(path);
  try {
    // Opening, too, may find the file locked by a process that is just making it.
    return await whileBusy(() => prepared(new DatabaseClass(path), settings), settings);
  } catch (error) {
    const { code, retryable } = toSqliteError(error);
    // SQLite does not tell why it cannot open a file.
    if (code === 'storage_unavailable' && !retryable && isReadOnly(dirname(path))) throw readOnlyError(error);
    throw error;
  }
}

/** With @photostructure/sqlite, statements keep a closed file open until they are collected, and its log as well. */
export function closeFile(database: SqliteDatabase): void {
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // The log stays, and is read when the file is opened again.
  }
  database.close();
}

/**
 * SQLite would make it readable for everybody. The files that it puts beside it take over these permissions.
 *
 * A file that is there is not opened: closing it would let go of the locks that this process has on it, and another
 * process could take the log away from under an open database. No other code of this process runs in between.
 */
function createPrivateFile(path: string): void {
  if (path === ':memory:') return;
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch {
    // It is there, or opening the database fails as well, and says why.
  }
}

function prepared(database: SqliteDatabase, { synchronous }: FileSettings): SqliteDatabase {
  try {
    // Waiting is done by whileBusy(), which leaves the event loop alone.
    database.exec('PRAGMA busy_timeout = 0');
    const [mode] = database.prepare('PRAGMA journal_mode').all() as { journal_mode: string }[];
    if (mode?.journal_mode !== 'wal') database.exec('PRAGMA journal_mode = WAL');
    database.exec(`PRAGMA synchronous = ${synchronous.toUpperCase()}`);
    // Opens the log. Unlike all(), exec() tells in every library why it fails.
    database.exec('SELECT 1 FROM sqlite_schema');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function isReadOnly(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch (error) {
    return ['EROFS', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}
