import type { Clock } from '../../contracts/clock.js';
import { systemClock } from '../../internal/system-clock.js';
import { checkMethods, checkNumber, checkString, invalidOption } from '../../internal/validate.js';
import { whileBusy } from './busy.js';
import { loadDatabaseClass, type SqliteDatabase } from './database.js';
import { toSqliteError } from './errors.js';
import { closeFile, openFile } from './file.js';
import { SqliteHandle } from './handle.js';
import { type Migration, migrate } from './migrations.js';

/** Where an adapter keeps its tables. */
export interface SqlitePlaceOptions {
  /** File of the database, made where it is not there. Its folder must be there. No `file:` URL. */
  path?: string;
  /**
   * An open database instead of a path: `DatabaseSync` of node:sqlite or @photostructure/sqlite, or `Database` of
   * better-sqlite3. Its settings stay as they are, and it stays open. No transaction of yours may be open on it
   * while the client works.
   */
  database?: SqliteDatabase;
  /**
   * `full`: a write is on the disk when it is acknowledged, so that it survives a power cut too. `normal`: it survives
   * the end of the process, however hard, and costs less. Only for a path. Default `full`.
   */
  synchronous?: 'normal' | 'full';
  /** How long a call waits for the lock of another process. It does not stop the event loop. Default 5000. */
  busyTimeoutMs?: number;
  /** Default: the machine's own time. */
  clock?: Clock;
}

export const PLACE_KEYS = ['path', 'database', 'synchronous', 'busyTimeoutMs', 'clock'] as const;

export interface SqlitePlace extends Required<Omit<SqlitePlaceOptions, 'path' | 'database'>> {
  readonly path: string | undefined;
  readonly database: SqliteDatabase | undefined;
  readonly table: string;
}

/** @throws BadRequestError */
export function checkedPlace(options: SqlitePlaceOptions, table: string): SqlitePlace {
  const { path, database, synchronous = 'full', busyTimeoutMs = 5000, clock = systemClock } = options;
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
  checkMethods('clock', clock, ['monotonicMs', 'wallMs', 'setTimer']);
  return { path, database, table, synchronous, busyTimeoutMs, clock };
}

/** False for a database in memory. Throws a StorageError for one that is closed. */
export function isFile({ path, database }: SqlitePlace): boolean {
  return database === undefined ? path !== ':memory:' : fileOf(database) !== '';
}

export interface OpenedPlace {
  readonly handle: SqliteHandle;
  readonly storeId: string;
  close(): void;
}

/** Opens the database and brings its tables to the newest version. Rejects with a StorageError. */
export async function openPlace(place: SqlitePlace, migrations: readonly Migration[]): Promise<OpenedPlace> {
  const { database: given, path, table } = place;
  const database = given ?? (await openFile(await loadDatabaseClass(), { ...place, path: path as string }));
  try {
    const storeId = await whileBusy(() => migrate(database, table, migrations), place);
    const handle = new SqliteHandle({
      ...place,
      database,
      // Settings of a database that is handed in stay as they are.
      isSynchronous: given === undefined && place.synchronous === 'full',
    });
    return {
      handle,
      storeId,
      close() {
        handle.close();
        if (given === undefined) closeFile(database);
      },
    };
  } catch (error) {
    if (given === undefined) database.close();
    throw error;
  }
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
