import type { SqlStatement, SqlStep, SqlValue } from '../../records/sql.js';
import type { SqlConnection, SqlRow } from '../../records/sql-storage.js';
import type { SqliteHandle } from './handle.js';

/** The table of records. Each statement runs in one turn: that makes it atomic among the callers of this process. */
export class SqliteConnection implements SqlConnection {
  readonly storeId: string;
  readonly #handle: SqliteHandle;

  constructor(handle: SqliteHandle, storeId: string) {
    this.#handle = handle;
    this.storeId = storeId;
  }

  rows({ text, values }: SqlStatement): Promise<readonly SqlRow[]> {
    return this.#handle.run(() => this.#handle.prepare(text).all(...parametersOf(values)) as SqlRow[]);
  }

  change({ text, values }: SqlStatement): Promise<number> {
    return this.#handle.run(() => Number(this.#handle.prepare(text).run(...parametersOf(values)).changes));
  }

  transact(steps: readonly SqlStep[]): Promise<boolean> {
    return this.#handle.transact(() => steps.every((step) => this.#hold(step)), { isKept: (holds) => holds });
  }

  #hold({ text, values, least }: SqlStep): boolean {
    const statement = this.#handle.prepare(text);
    const found = text.startsWith('SELECT')
      ? statement.all(...parametersOf(values)).length
      : Number(statement.run(...parametersOf(values)).changes);
    return found >= least;
  }
}

/** Its dialect makes no columns. */
function parametersOf(values: SqlStatement['values']): readonly SqlValue[] {
  return values as readonly SqlValue[];
}
