import type { ListQuery, PurgeQuery, StorageCollection, WriteCondition } from '../contracts/storage.js';
import type { Position } from './pages.js';
import type { JsonChange, JsonRecord } from './record.js';

export type SqlValue = string | number | null;

export interface SqlStatement {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** A statement of a transaction, which ends it where fewer rows were changed or found. */
export interface SqlStep extends SqlStatement {
  readonly least: number;
}

/** What the SQL databases do not have in common. */
export interface SqlDialect {
  readonly table: string;
  /** The parameter with this number, from 1. They are used in the order of their numbers. */
  parameter(index: number): string;
  /** Ends a SELECT whose rows must stay as they are until the transaction has ended. Empty where they do anyway. */
  readonly lockRows: string;
  /** Where many rows cost less in another way: what follows the columns of an INSERT, and its parameters. */
  insertFrom?(rows: readonly (readonly SqlValue[])[]): SqlStatement | undefined;
}

/** Rows that one statement carries: its parameters are limited. */
const CHANGED_AT_ONCE = 1000;

const PURGED_AT_ONCE = 1000;

const COLUMNS = 'collection, id, user_id, status, created_at, expires_at, version, sequence, data AS json';

type Where = ReturnType<typeof conditions>;

/** The statements on the table of records, one place for all SQL databases. */
export class SqlStatements {
  readonly #dialect: SqlDialect;

  constructor(dialect: SqlDialect) {
    this.#dialect = dialect;
  }

  get(collection: StorageCollection, id: string): SqlStatement {
    const where = conditions(this.#dialect).add('collection =', collection).add('id =', id);
    return where.after(`SELECT ${COLUMNS} FROM ${this.#dialect.table}`);
  }

  /** Changes one row where the condition holds, and none otherwise. */
  put(record: JsonRecord, condition: WriteCondition | undefined): SqlStatement {
    if (condition === undefined) return this.#insert([record], `DO UPDATE SET ${this.#excluded()}`);
    if (condition.expectedVersion === 0) return this.#insert([record], 'DO NOTHING');
    return this.#update(record, condition);
  }

  delete(collection: StorageCollection, id: string, condition: WriteCondition | undefined): SqlStatement {
    return this.#one(collection, id, condition).after(`DELETE FROM ${this.#dialect.table}`);
  }

  /**
   * Newest first; one row more than the page, to tell whether it is the last.
   *
   * The page is found before its data is read: a database that sorts would otherwise read the data of all that fits.
   */
  list(
    collection: StorageCollection,
    query: ListQuery,
    before: Position | undefined,
    limit: number,
  ): SqlStatement {
    const where = conditions(this.#dialect).add('collection =', collection);
    if (query.userId !== undefined) where.add('user_id =', query.userId);
    if (query.status !== undefined) where.add('status =', query.status);
    if (query.createdFrom !== undefined) where.add('created_at >=', query.createdFrom);
    if (query.createdBefore !== undefined) where.add('created_at <', query.createdBefore);
    if (before !== undefined) where.addPair('(created_at, sequence) <', before.createdAt, before.sequence);
    const { table } = this.#dialect;
    const order = 'ORDER BY created_at DESC, sequence DESC';
    return where.after(
      `SELECT ${COLUMNS} FROM (SELECT sequence AS place FROM ${table}`,
      `${order} LIMIT ${limit + 1}) AS page JOIN ${table} ON sequence = page.place ${order}`,
    );
  }

  /** Some of the records that fit, as many as one statement may hold up others for. */
  purgeSome(collection: StorageCollection, query: PurgeQuery): SqlStatement {
    const { table, lockRows } = this.#dialect;
    const where = conditions(this.#dialect).add('collection =', collection);
    if (query.userId !== undefined) where.add('user_id =', query.userId);
    if (query.createdBefore !== undefined) where.add('created_at <', query.createdBefore);
    if (query.expiredBy !== undefined) where.add('expires_at <=', query.expiredBy);
    if (query.statuses !== undefined) where.addIn('status', query.statuses);
    // Locked, so that a record that is renewed meanwhile is looked at again.
    return where.after(
      `DELETE FROM ${table} WHERE sequence IN (SELECT sequence FROM ${table}`,
      `LIMIT ${PURGED_AT_ONCE} ${lockRows})`,
    );
  }

  /** Fails where writes do: without the right to them, without the table, or while another one keeps the lock. */
  changeNothing(): SqlStatement {
    return { text: `UPDATE ${this.#dialect.table} SET version = version WHERE FALSE`, values: [] };
  }

  /** New records that follow one another are one statement, and so are deletes of one version, or in any case. */
  transaction(changes: readonly JsonChange[]): readonly SqlStep[] {
    const steps = inRuns(changes).flatMap((run) => {
      if (run.every(isNew)) {
        const records = run.map(({ record }) => record);
        return [{ ...this.#insert(records, 'DO NOTHING'), least: records.length }];
      }
      if (run.every(isDelete)) return [this.#deleteAll(run)];
      return this.#steps(run[0] as JsonChange);
    });
    return [...this.#lock(changes), ...steps];
  }

  /** All of them in any case, or those of one version and none where one of them has another. */
  #deleteAll(deletes: readonly Delete[]): SqlStep {
    const where = conditions(this.#dialect).addKeys(deletes);
    const version = deletes[0]?.condition?.expectedVersion;
    if (version !== undefined) where.add('version =', version);
    const least = version === undefined ? 0 : deletes.length;
    return { ...where.after(`DELETE FROM ${this.#dialect.table}`), least };
  }

  #steps(change: JsonChange): readonly SqlStep[] {
    if (change.type === 'put') return [{ ...this.put(change.record, change.condition), least: 1 }];
    const { collection, id, condition } = change;
    if (condition?.expectedVersion === 0) return this.#absent(collection, id);
    const { table, lockRows } = this.#dialect;
    return [{ ...this.#one(collection, id, condition).after(`SELECT 1 FROM ${table}`, lockRows), least: 1 }];
  }

  /** In one order for all: two transactions that change the same records do not wait for each other for ever. */
  #lock(changes: readonly JsonChange[]): readonly SqlStep[] {
    const { lockRows, table } = this.#dialect;
    if (lockRows === '') return [];
    const old = changes.filter((change) => !isNew(change)).map((change) => keyOf(change));
    return inParts(old.sort(byKey)).map((keys) => {
      const where = conditions(this.#dialect).addKeys(keys);
      return { ...where.after(`SELECT 1 FROM ${table}`, `ORDER BY collection, id ${lockRows}`), least: 0 };
    });
  }

  /** Holds where there is no such record. One is made, and taken away: what is not there cannot be locked. */
  #absent(collection: StorageCollection, id: string): readonly SqlStep[] {
    const made = { collection, id, status: '', createdAt: '', json: 'null' };
    return [
      { ...this.#insert([made], 'DO NOTHING'), least: 1 },
      { ...this.delete(collection, id, undefined), least: 1 },
    ];
  }

  #one(collection: StorageCollection, id: string, condition: WriteCondition | undefined): Where {
    const where = conditions(this.#dialect).add('collection =', collection).add('id =', id);
    return condition === undefined ? where : where.add('version =', condition.expectedVersion);
  }

  #insert(records: readonly JsonRecord[], onConflict: string): SqlStatement {
    const rows = records.map((record) => this.#values(record));
    const { text, values } = this.#dialect.insertFrom?.(rows) ?? this.#valuesOf(rows);
    return {
      text:
        `INSERT INTO ${this.#dialect.table} AS stored ` +
        '(collection, id, user_id, status, created_at, expires_at, data) ' +
        `${text} ON CONFLICT (collection, id) ${onConflict}`,
      values,
    };
  }

  #valuesOf(rows: readonly (readonly SqlValue[])[]): SqlStatement {
    const { parameter } = this.#dialect;
    let count = 0;
    const texts = rows.map((row) => `(${row.map(() => parameter(++count)).join(', ')})`);
    return { text: `VALUES ${texts.join(', ')}`, values: rows.flat() };
  }

  #values({ collection, id, userId, status, createdAt, expiresAt, json }: JsonRecord): readonly SqlValue[] {
    return [collection, id, userId ?? null, status, createdAt, expiresAt ?? null, json];
  }

  #excluded(): string {
    const columns = ['user_id', 'status', 'created_at', 'expires_at', 'data'];
    const settings = columns.map((column) => `${column} = excluded.${column}`);
    return [...settings, 'version = stored.version + 1'].join(', ');
  }

  #update(record: JsonRecord, { expectedVersion }: WriteCondition): SqlStatement {
    const { parameter, table } = this.#dialect;
    const [collection, id, ...values] = this.#values(record);
    const [user, state, created, expires, data] = values.map((_, index) => parameter(index + 1));
    const where = conditions(this.#dialect, values)
      .add('collection =', collection ?? null)
      .add('id =', id ?? null)
      .add('version =', expectedVersion);
    return where.after(
      `UPDATE ${table} SET user_id = ${user}, status = ${state}, created_at = ${created}, ` +
        `expires_at = ${expires}, data = ${data}, version = version + 1`,
    );
  }
}

interface Key {
  readonly collection: StorageCollection;
  readonly id: string;
}

/** Changes that may be one statement together; every other one is alone. */
function inRuns(changes: readonly JsonChange[]): readonly JsonChange[][] {
  const runs: JsonChange[][] = [];
  for (const change of changes) {
    const run = runs.at(-1);
    if (run?.[0] !== undefined && areAlike(run[0], change) && run.length < CHANGED_AT_ONCE) run.push(change);
    else runs.push([change]);
  }
  return runs;
}

function isNew(change: JsonChange): change is Extract<JsonChange, { type: 'put' }> {
  return change.type === 'put' && change.condition?.expectedVersion === 0;
}

type Delete = Extract<JsonChange, { type: 'delete' }>;

/** A delete of what must not be there is a check. */
function isDelete(change: JsonChange): change is Delete {
  return change.type === 'delete' && change.condition?.expectedVersion !== 0;
}

function areAlike(one: JsonChange, other: JsonChange): boolean {
  if (isNew(one)) return isNew(other);
  if (!isDelete(one) || !isDelete(other)) return false;
  return one.condition?.expectedVersion === other.condition?.expectedVersion;
}

function keyOf(change: JsonChange): Key {
  return change.type === 'put' ? change.record : change;
}

function inParts(keys: readonly Key[]): readonly (readonly Key[])[] {
  const parts: (readonly Key[])[] = [];
  for (let start = 0; start < keys.length; start += CHANGED_AT_ONCE) {
    parts.push(keys.slice(start, start + CHANGED_AT_ONCE));
  }
  return parts;
}

function byKey(a: Key, b: Key): number {
  if (a.collection !== b.collection) return a.collection < b.collection ? -1 : 1;
  return a.id < b.id ? -1 : Number(a.id > b.id);
}

/** Collects what follows WHERE, and its parameters. */
function conditions({ parameter }: SqlDialect, before: readonly SqlValue[] = []) {
  const values: SqlValue[] = [...before];
  const texts: string[] = [];
  const place = (value: SqlValue): string => parameter(values.push(value));
  const where = {
    add(text: string, value: SqlValue) {
      texts.push(`${text} ${place(value)}`);
      return where;
    },
    addPair(text: string, first: SqlValue, second: SqlValue) {
      texts.push(`${text} (${place(first)}, ${place(second)})`);
      return where;
    },
    addIn(column: string, options: readonly SqlValue[]) {
      texts.push(`${column} IN (${options.map(place).join(', ')})`);
      return where;
    },
    addKeys(keys: readonly Key[]) {
      const pairs = keys.map(({ collection, id }) => `(${place(collection)}, ${place(id)})`);
      texts.push(`(collection, id) IN (${pairs.join(', ')})`);
      return where;
    },
    after: (start: string, end = ''): SqlStatement => ({
      text: `${start} WHERE ${texts.join(' AND ')} ${end}`.trimEnd(),
      values,
    }),
  };
  return where;
}
