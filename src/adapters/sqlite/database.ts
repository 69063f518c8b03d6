import { StorageError } from '../../errors/index.js';

/** A prepared statement, as node:sqlite, @photostructure/sqlite and better-sqlite3 have it. */
export interface SqliteStatement {
  all(...values: readonly (string | number | null)[]): unknown[];
  run(...values: readonly (string | number | null)[]): { readonly changes: number | bigint };
}

/** An open database: `DatabaseSync` of node:sqlite or @photostructure/sqlite, or better-sqlite3's `Database`. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
}

export type DatabaseClass = new (path: string) => SqliteDatabase;

/** In this order: what Node brings itself comes first. */
const DRIVERS: readonly { readonly name: string; load(): Promise<DatabaseClass> }[] = [
  {
    name: 'node:sqlite',
    load: async () => exportOf(await importByName('node:sqlite'), 'DatabaseSync'),
  },
  {
    name: '@photostructure/sqlite',
    load: async () => exportOf(await importByName('@photostructure/sqlite'), 'DatabaseSync'),
  },
  {
    name: 'better-sqlite3',
    load: async () => exportOf(await importByName('better-sqlite3'), 'default'),
  },
];

/**
 * Loads the first SQLite that is there.
 *
 * @throws StorageError that names what to install.
 */
export async function loadDatabaseClass(): Promise<DatabaseClass> {
  const causes: unknown[] = [];
  for (const { load } of DRIVERS) {
    try {
      return await load();
    } catch (cause) {
      causes.push(cause);
    }
  }
  throw new StorageError(
    'There is no SQLite in this Node. Use Node 22.13 or newer, or run npm install @photostructure/sqlite, or pass ' +
      'an open database.',
    { code: 'storage_unavailable', cause: new AggregateError(causes) },
  );
}

/** SQLite rolls back by itself after some failures. */
export function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // There was nothing left to roll back.
  }
}

/** Bundlers must not look for all of them: one is enough. */
async function importByName(name: string): Promise<object> {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ name);
}

function exportOf(module: object, name: string): DatabaseClass {
  const found = (module as Record<string, unknown>)[name];
  if (typeof found === 'function') return found as DatabaseClass;
  throw new TypeError(`The module has no ${name}.`);
}
