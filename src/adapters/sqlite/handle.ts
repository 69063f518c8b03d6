import { StorageError } from '../../errors/index.js';
import { type BusyPatience, whileBusy } from './busy.js';
import { rollBack, type SqliteDatabase, type SqliteStatement } from './database.js';

/** Texts differ only in their filters, and so are few. Long ones, of many records at once, are not kept. */
const MOST_PREPARED = 100;
const LONGEST_PREPARED = 1000;

/** An open database and its statements. All that one piece of work does happens in one turn, and so at once. */
export class SqliteHandle {
  readonly #database: SqliteDatabase;
  readonly #patience: BusyPatience;
  readonly #prepared = new Map<string, SqliteStatement>();
  #isClosed = false;

  constructor(database: SqliteDatabase, { busyTimeoutMs, clock }: BusyPatience) {
    this.#database = database;
    this.#patience = { busyTimeoutMs, clock };
  }

  /** Does the work again from its start where the database is locked. Rejects with a StorageError. */
  async run<Value>(work: () => Value, patience: Partial<BusyPatience> = {}): Promise<Value> {
    return whileBusy(
      () => {
        if (this.#isClosed) throw sqliteClosed();
        return work();
      },
      { ...this.#patience, ...patience },
    );
  }

  /** The same with all or nothing of what it changes. Nothing is changed where `isKept` denies it of the result. */
  transact<Value>(work: () => Value, isKept: (value: Value) => boolean = () => true): Promise<Value> {
    return this.run(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const value = work();
        this.#database.exec(isKept(value) ? 'COMMIT' : 'ROLLBACK');
        return value;
      } catch (error) {
        rollBack(this.#database);
        throw error;
      }
    });
  }

  /** Only for work that is running: what it throws is SQLite's. */
  prepare(text: string): SqliteStatement {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    if (text.length > LONGEST_PREPARED) return statement;
    if (this.#prepared.size >= MOST_PREPARED) this.#prepared.clear();
    this.#prepared.set(text, statement);
    return statement;
  }

  close(): void {
    this.#isClosed = true;
    this.#prepared.clear();
  }
}

export function sqliteClosed(): StorageError {
  return new StorageError('This SQLite adapter was closed. Make a new one for further calls.', {
    code: 'storage_unavailable',
  });
}
