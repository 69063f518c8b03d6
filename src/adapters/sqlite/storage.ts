import type { Clock } from '../../contracts/clock.js';
import type { StorageAdapter, StorageCapabilities } from '../../contracts/storage.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { Lazy } from '../../internal/lazy.js';
import { systemClock } from '../../internal/system-clock.js';
import { checkMethods, checkNumber, checkString, invalidOption } from '../../internal/validate.js';
import type { SqlDialect } from '../../records/sql.js';
import { createSqlStorage } from '../../records/sql-storage.js';
import { SqliteConnection, storageClosed, whileBusy } from './connection.js';
import { loadDatabaseClass, type SqliteDatabase } from './database.js';
import { toSqliteError } from './errors.js';
import { closeFile, openFile } from './file.js';
import { migrate } from './migrations.js';

export interface SqliteStorageOptions {
  /** File of the database, made where it is not there. Its folder must be there. No `file:` URL. */
  path?: string;
  /**
   * An open database instead of a path: `DatabaseSync` of node:sqlite or @photostructure/sqlite, or `Database` of
   * better-sqlite3. Its settings stay as they are, and it stays open. No transaction of yours may be open on it
   * while the client works.
   */
  database?: SqliteDatabase;
  /** Name of the table of records; a second one, of the same name with `_meta`, is made as well. Default `transcription_records`. */
  table?: string;
  /**
   * `full`: a write is on the disk when it is acknowledged, so that it survives a power cut too. `normal`: it survives
   * the end of the process, however hard, and costs less. Only for a path. Default `full`.
   */
  synchronous?: 'normal' | 'full';
  /** How long a call waits for the lock of another process. It does not stop the event loop. Default 5000. */
  busyTimeoutMs?: number;
  /** Bytes of the JSON of one record. Larger ones are refused with the code `record_too_large`. Default 67108864 (64 MiB). */
  maxRecordBytes?: number;
  /** Default: the machine's own time. */
  clock?: Clock;
}

type Settings = Required<Pick<SqliteStorageOptions, 'table' | 'synchronous' | 'busyTimeoutMs' | 'clock'>> & {
  readonly path: string | undefined;
  readonly database: SqliteDatabase | undefined;
};

const KEYS: readonly (keyof SqliteStorageOptions)[] = [
  'path',
  'database',
  'table',
  'synchronous',
  'busyTimeoutMs',
  'maxRecordBytes',
  'clock',
];

/**
 * Keeps records in a SQLite file, in WAL mode. Several processes of one machine may share it.
 *
 * Opens the file at the first call. Uses node:sqlite (Node 22.13 or newer), else the package @photostructure/sqlite,
 * else better-sqlite3.
 *
 * @throws BadRequestError for options that are unknown or out of range, StorageError for a database that is closed.
 */
export function createSqliteStorage(options: SqliteStorageOptions): StorageAdapter {
  const settings = checked(options);
  const opening = new Lazy(() => open(settings));
  let closing: Promise<void> | undefined;
  async function connect(): Promise<SqliteConnection> {
    if (closing !== undefined) throw storageClosed();
    return (opening.value ?? (await opening.get())).connection;
  }
  async function closeOpened(): Promise<void> {
    const opened = await opening.peek();
    opened?.connection.close();
    opened?.close();
  }
  return createSqlStorage({
    capabilities: capabilitiesOf(settings),
    dialect: dialectFor(settings.table),
    maxRecordBytes: options.maxRecordBytes,
    connect,
    close() {
      closing ??= closeOpened();
      return closing;
    },
  });
}

interface Opened {
  readonly connection: SqliteConnection;
  close(): void;
}

async function open(settings: Settings): Promise<Opened> {
  const { database: given, path, table } = settings;
  const database =
    given ?? (await openFile(await loadDatabaseClass(), { ...settings, path: path as string }));
  try {
    const storeId = await whileBusy(() => migrate(database, table), settings);
    const connection = new SqliteConnection({ ...settings, database, storeId });
    return { connection, close: () => (given === undefined ? closeFile(database) : undefined) };
  } catch (error) {
    if (given === undefined) database.close();
    throw error;
  }
}

function dialectFor(table: string): SqlDialect {
  return {
    table: `"${table}"`,
    parameter: () => '?',
    // BEGIN IMMEDIATE keeps all other writers out.
    lockRows: '',
  };
}

function capabilitiesOf({ path, database }: Settings): StorageCapabilities {
  const isFile = database === undefined ? path !== ':memory:' : fileOf(database) !== '';
  return { shared: isFile, durable: isFile, atomic: true };
}

/** Empty for a database in memory. */
function fileOf(database: SqliteDatabase): string {
  try {
    const list = database.prepare('PRAGMA database_list').all() as { name: string; file: string | null }[];
    return list.find(({ name }) => name === 'main')?.file ?? '';
  } catch (error) {
    throw toSqliteError(error);
  }
}

function checked(options: SqliteStorageOptions): Settings {
  checkOptions('createSqliteStorage()', options as unknown, KEYS);
  const { path, database, table = 'transcription_records', synchronous = 'full' } = options;
  const { busyTimeoutMs = 5000, clock = systemClock } = options;
  checkString('path', path);
  checkMethods('database', database, ['exec', 'prepare', 'close']);
  if ((path === undefined) === (database === undefined)) {
    throw invalidOption('path', 'set where database is not, and the other way round', path);
  }
  if (path !== undefined && /^file:|\0/i.test(path)) {
    throw invalidOption('path', 'the path of a file, no URL and without NUL', path);
  }
  if (typeof table !== 'string' || !/^(?!sqlite_)[a-z_][a-z0-9_]{0,47}$/i.test(table)) {
    throw invalidOption('table', 'a name of letters, digits and _ that does not begin with sqlite_', table);
  }
  if (synchronous !== 'normal' && synchronous !== 'full') {
    throw invalidOption('synchronous', "'normal' or 'full'", synchronous);
  }
  checkNumber('busyTimeoutMs', busyTimeoutMs, { min: 0 });
  checkNumber('maxRecordBytes', options.maxRecordBytes, { min: 1 });
  checkMethods('clock', clock, ['monotonicMs', 'wallMs', 'setTimer']);
  return { path, database, table, synchronous, busyTimeoutMs, clock };
}
