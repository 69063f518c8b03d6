import { open as openHandle } from 'node:fs/promises';
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
import { migrate } from './migrations.js';

export interface SqliteStorageOptions {
  /** File of the database, made where it is not there. Its folder must be there. */
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
 * @throws BadRequestError for options that are unknown or out of range.
 */
export function createSqliteStorage(options: SqliteStorageOptions): StorageAdapter {
  const settings = checked(options);
  const opening = new Lazy(() => open(settings));
  let isClosed = false;
  async function connect(): Promise<SqliteConnection> {
    if (isClosed) throw storageClosed();
    return (opening.value ?? (await opening.get())).connection;
  }
  return createSqlStorage({
    capabilities: capabilitiesOf(settings),
    dialect: dialectFor(settings.table),
    maxRecordBytes: options.maxRecordBytes,
    connect,
    health: async () => (await connect()).probe(),
    async close() {
      if (isClosed) return;
      isClosed = true;
      const opened = await opening.peek();
      opened?.connection.close();
      opened?.close();
    },
  });
}

interface Opened {
  readonly connection: SqliteConnection;
  close(): void;
}

async function open(settings: Settings): Promise<Opened> {
  const { database: given, path, table } = settings;
  const DatabaseClass = given === undefined ? await loadDatabaseClass() : undefined;
  if (path !== undefined) await createPrivateFile(path);
  // Opening, too, may find the file locked by a process that is just making it.
  const database = await whileBusy(
    () =>
      given ?? openFile(new (DatabaseClass as NonNullable<typeof DatabaseClass>)(path as string), settings),
    settings,
  );
  const close = (): void => {
    if (given === undefined) database.close();
  };
  try {
    const storeId = await whileBusy(() => migrate(database, table), settings);
    return { connection: new SqliteConnection({ ...settings, database, storeId }), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** SQLite would make it readable for everybody. The files that it puts beside it take over these permissions. */
async function createPrivateFile(path: string): Promise<void> {
  if (path === ':memory:') return;
  const handle = await openHandle(path, 'a', 0o600).catch(() => undefined);
  // Where that fails, opening the database fails as well, and says why.
  await handle?.close();
}

function openFile(database: SqliteDatabase, { synchronous }: Settings): SqliteDatabase {
  try {
    // Waiting is done by whileBusy(), which leaves the event loop alone.
    database.exec('PRAGMA busy_timeout = 0');
    const [mode] = database.prepare('PRAGMA journal_mode').all() as { journal_mode: string }[];
    if (mode?.journal_mode !== 'wal') database.exec('PRAGMA journal_mode = WAL');
    database.exec(`PRAGMA synchronous = ${synchronous.toUpperCase()}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function dialectFor(table: string): SqlDialect {
  return {
    table,
    parameter: () => '?',
    jsonCast: '',
    // BEGIN IMMEDIATE keeps all other writers out.
    lockRows: '',
    encode: (json) => json,
    decode: (text) => text,
  };
}

function capabilitiesOf({ path, database }: Settings): StorageCapabilities {
  const isFile = database === undefined ? path !== ':memory:' : fileOf(database) !== '';
  return { shared: isFile, durable: isFile, atomic: true };
}

/** Empty for a database in memory. */
function fileOf(database: SqliteDatabase): string {
  const list = database.prepare('PRAGMA database_list').all() as { name: string; file: string | null }[];
  return list.find(({ name }) => name === 'main')?.file ?? '';
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
  if (typeof table !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,47}$/.test(table)) {
    throw invalidOption('table', 'a name of letters, digits and _', table);
  }
  if (synchronous !== 'normal' && synchronous !== 'full') {
    throw invalidOption('synchronous', "'normal' or 'full'", synchronous);
  }
  checkNumber('busyTimeoutMs', busyTimeoutMs, { min: 0 });
  checkNumber('maxRecordBytes', options.maxRecordBytes, { min: 1 });
  checkMethods('clock', clock, ['monotonicMs', 'wallMs', 'setTimer']);
  return { path, database, table, synchronous, busyTimeoutMs, clock };
}
