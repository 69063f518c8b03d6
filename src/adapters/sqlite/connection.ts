import type { Clock } from '../../contracts/clock.js';
import { StorageError } from '../../errors/index.js';
import { sleep } from '../../internal/sleep.js';
import type { SqlStatement, SqlStep } from '../../records/sql.js';
import type { SqlConnection, SqlRow } from '../../records/sql-storage.js';
import { rollBack, type SqliteDatabase, type SqliteStatement } from './database.js';
import { isBusy, toSqliteError } from './errors.js';

/** Texts differ only in their filters, and so are few. Long ones, of many records at once, are not kept. */
const MOST_PREPARED = 100;
const LONGEST_PREPARED = 1000;
const SHORTEST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 50;

export interface SqliteConnectionParts {
  readonly database: SqliteDatabase;
  readonly storeId: string;
  readonly busyTimeoutMs: number;
  readonly clock: Clock;
}

/** One database. Each statement runs in one turn: that is what makes it atomic among the callers of this process. */
export class SqliteConnection implements SqlConnection {
  readonly storeId: string;
  readonly #database: SqliteDatabase;
  readonly #prepared = new Map<string, SqliteStatement>();
  readonly #patience: BusyPatience;
  #isClosed = false;

  constructor({ database, storeId, ...patience }: SqliteConnectionParts) {
    this.#database = database;
    this.storeId = storeId;
    this.#patience = patience;
  }

  rows({ text, values }: SqlStatement): Promise<readonly SqlRow[]> {
    return this.#run(() => this.#prepare(text).all(...values) as SqlRow[]);
  }

  change({ text, values }: SqlStatement): Promise<number> {
    return this.#run(() => Number(this.#prepare(text).run(...values).changes));
  }

  transact(steps: readonly SqlStep[]): Promise<boolean> {
    return this.#run(() => this.#transact(steps));
  }

  close(): void {
    this.#isClosed = true;
    this.#prepared.clear();
  }

  #transact(steps: readonly SqlStep[]): boolean {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const holds = steps.every((step) => this.#hold(step));
      this.#database.exec(holds ? 'COMMIT' : 'ROLLBACK');
      return holds;
    } catch (error) {
      rollBack(this.#database);
      throw error;
    }
  }

  #hold({ text, values, least }: SqlStep): boolean {
    const statement = this.#prepare(text);
    const found = text.startsWith('SELECT')
      ? statement.all(...values).length
      : Number(statement.run(...values).changes);
    return found >= least;
  }

  #prepare(text: string): SqliteStatement {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    if (text.length > LONGEST_PREPARED) return statement;
    if (this.#prepared.size >= MOST_PREPARED) this.#prepared.clear();
    this.#prepared.set(text, statement);
    return statement;
  }

  async #run<Value>(work: () => Value): Promise<Value> {
    return whileBusy(() => {
      if (this.#isClosed) throw storageClosed();
      return work();
    }, this.#patience);
  }
}

export interface BusyPatience {
  readonly busyTimeoutMs: number;
  readonly clock: Clock;
}

/**
 * Tries again while another process holds the lock. SQLite's own waiting would stop the event loop.
 *
 * Rejects with a StorageError.
 */
export async function whileBusy<Value>(work: () => Value, patience: BusyPatience): Promise<Value> {
  const { busyTimeoutMs, clock } = patience;
  const startedAt = clock.monotonicMs();
  for (let waitMs = SHORTEST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      return work();
    } catch (error) {
      const isOver = clock.monotonicMs() - startedAt >= busyTimeoutMs;
      if (isOver || !isBusy(error)) throw toSqliteError(error);
    }
    await sleep(clock, waitMs * (0.5 + Math.random() / 2), undefined);
  }
}

export function storageClosed(): StorageError {
  return new StorageError('This SQLite storage was closed. Make a new one for further calls.', {
    code: 'storage_unavailable',
  });
}
