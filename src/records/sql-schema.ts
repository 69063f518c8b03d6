import { StorageError } from '../errors/index.js';

/** What the meta table of a SQL database says of its table of records. */
export interface SchemaState {
  /** Migrations that were made. */
  readonly version: number;
  readonly storeId: string;
}

/**
 * False where migrations are due.
 *
 * @throws StorageError for tables that a newer version of this library has made.
 */
export function isCurrent({ version }: SchemaState, { length }: readonly unknown[]): boolean {
  if (version <= length) return version === length;
  throw new StorageError(
    `The database was written by a newer version of this library: its tables have version ${version}, and this ` +
      `one knows ${length}. Update the library. Nothing was changed.`,
    { code: 'storage_schema' },
  );
}

export function foreignTable(name: string): StorageError {
  return new StorageError(
    `The database has a table ${name} that this library did not make. Choose another name with the option table. ` +
      'Nothing was changed.',
    { code: 'storage_schema' },
  );
}
