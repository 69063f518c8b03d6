import { StorageError } from '../../errors/index.js';
import { type BusyPatience, whileBusy } from './busy.js';
import { rollBack, type SqliteDatabase, type SqliteStatement } from './database.js';

/** Texts differ only in their filters, and so are few. Long ones, of many records at once, are not kept. */
const MOST_PREPARED = 100;
const LONGEST_PREPARED = 1000;

export interface HandleParts extends BusyPatience {
  readonly database: SqliteDatabase;
  /** Each transaction is on the disk when it has ended, unless it may be lost. */
  readonly isSynchronous: boolean;
}

export interface TransactOptions<Value> extends Partial<BusyPatience> {
  /** Nothing is changed where it denies it of what the work returns. */
  readonly isKept?: (value: Value) => boolean;
  /** A power cut may take the change with it, which is then on the disk with the next one that may not be lost. */
  readonly mayBeLost?: boolean;
}

/** An open database and its statements. All that one piece of work does happens in one turn, and so at once. */
export class SqliteHandle {
  readonly #parts: HandleParts;
  readonly #prepared = new Map<string, SqliteStatement>();
  #isClosed = false;

  constructor(parts: HandleParts) {
    this.#parts = parts;
  }

  /** Does the work again from its start where the database is locked. Rejects with a StorageError. */
  async run<Value>(work: () => Value, patience: Partial<BusyPatience> = {}): Promise<Value> {
    return whileBusy(
      () => {
        if (this.#isClosed) throw sqliteClosed();
        return work();
      },
      { ...this.#parts, ...patience },
    );
  }

  /** The same with all or nothing of what it changes. */
  transact<Value>(work: () => Value, options: TransactOptions<Value> = {}): Promise<Value> {
    const { isKept = () => true, mayBeLost = false, ...patience } = options;
    const isHasty = mayBeLost && this.#parts.isSynchronous;
    const { database } = this.#parts;
    return this.run(() => {
      if (isHasty) database.exec('PRAGMA synchronous = NORMAL');
      try {
        return this.#transact(work, isKept);
      } finally {
        if (isHasty) database.exec('PRAGMA synchronous = FULL');
      }
    }, patience);
  }

  #transact<Value>(work: () => Value, isKept: (value: Value) => boolean): Value {
    const { database } = this.#parts;
    database.exec('BEGIN IMMEDIATE');
    try {
      const value = work();
      database.exec(isKept(value) ? 'COMMIT' : 'ROLLBACK');
      return value;
    } catch (error) {
      rollBack(database);
      throw error;
    }
  }

  /** Only for work that is running: what it throws is SQLite's. */
  prepare(text: string): SqliteStatement {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    const statement = this.#parts.database.prepare(text);
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
