import type {
  ListQuery,
  Page,
  PurgeQuery,
  RecordInput,
  StorageAdapter,
  StorageCapabilities,
  StorageChange,
  StorageCollection,
  StoredRecord,
  WriteCondition,
} from '../contracts/storage.js';
import { defined } from '../internal/defined.js';
import { Cursors, fitsNothing, limitOf } from './pages.js';
import { checkPurgeQuery } from './purge-query.js';
import {
  corruptRecord,
  fromJsonRecord,
  isStorable,
  isStorableId,
  toJsonChanges,
  toJsonRecord,
} from './record.js';
import { type SqlDialect, type SqlStatement, SqlStatements, type SqlStep } from './sql.js';

/** As both databases name them in their rows. */
export interface SqlRow {
  readonly collection: StorageCollection;
  readonly id: string;
  readonly user_id: string | null;
  readonly status: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  /** PostgreSQL gives numbers of 64 bits as text. */
  readonly version: number | string;
  readonly sequence: number | string;
  /** Text, unless somebody has damaged the record. */
  readonly json: unknown;
}

/** A database that is open and has its table. Failures are StorageErrors. */
export interface SqlConnection {
  /** The same in all processes that share the database, and another one in any other. */
  readonly storeId: string;
  rows(statement: SqlStatement): Promise<readonly SqlRow[]>;
  /** Resolves to the number of rows that were changed. */
  change(statement: SqlStatement): Promise<number>;
  /** Changes nothing, and resolves to false, where a step that must hold finds no row. */
  transact(steps: readonly SqlStep[]): Promise<boolean>;
}

export interface SqlStorageParts {
  readonly capabilities: StorageCapabilities;
  readonly dialect: SqlDialect;
  readonly maxRecordBytes: number | undefined;
  /** Opens the database at the first call, and again after a failure. */
  connect(): Promise<SqlConnection>;
  close(): Promise<void>;
}

/** The storage contract on any SQL database. */
export function createSqlStorage(parts: SqlStorageParts): StorageAdapter {
  const { capabilities, dialect, maxRecordBytes, connect, close } = parts;
  const statements = new SqlStatements(dialect);
  return {
    capabilities,
    async get(collection, id) {
      if (!isStorableId(id)) return undefined;
      const [row] = await (await connect()).rows(statements.get(collection, id));
      return row && toRecord(row);
    },
    async put(record: RecordInput, condition?: WriteCondition) {
      const written = toJsonRecord(record, maxRecordBytes);
      return (await (await connect()).change(statements.put(written, condition))) > 0;
    },
    list: async (collection, query) => list(await connect(), statements, collection, { ...query }),
    async delete(collection, id, condition) {
      if (!isStorableId(id)) return false;
      return (await (await connect()).change(statements.delete(collection, id, condition))) > 0;
    },
    async transact(changes: readonly StorageChange[]) {
      const written = toJsonChanges(changes, maxRecordBytes);
      // No record can have such an id, and no database should be asked for it.
      const impossible = written.filter((change) => change.type !== 'put' && !isStorableId(change.id));
      if (impossible.some(({ condition }) => (condition?.expectedVersion ?? 0) !== 0)) return false;
      const steps = statements.transaction(written.filter((change) => !impossible.includes(change)));
      return steps.length === 0 || (await connect()).transact(steps);
    },
    async purge(collection: StorageCollection, query: PurgeQuery) {
      checkPurgeQuery(collection, query);
      const fitting = withoutImpossible(query);
      if (fitting === undefined) return 0;
      const statement = statements.purgeSome(collection, fitting);
      const connection = await connect();
      for (let total = 0; ; ) {
        const count = await connection.change(statement);
        if (count === 0) return total;
        total += count;
      }
    },
    async health() {
      await (await connect()).change(statements.changeNothing());
    },
    close,
  };
}

/** No record has such a user or status. Undefined where none can fit. */
function withoutImpossible(query: PurgeQuery): PurgeQuery | undefined {
  if (query.userId !== undefined && !isStorable(query.userId)) return undefined;
  if (query.statuses === undefined) return { ...query };
  const statuses = query.statuses.filter(isStorable);
  return statuses.length === 0 ? undefined : { ...query, statuses };
}

async function list(
  connection: SqlConnection,
  statements: SqlStatements,
  collection: StorageCollection,
  query: ListQuery,
): Promise<Page<StoredRecord>> {
  const limit = limitOf(query);
  const cursors = new Cursors(connection.storeId);
  const before = query.cursor === undefined ? undefined : cursors.read(collection, query.cursor);
  if (fitsNothing(query)) return { items: [] };
  const rows = await connection.rows(statements.list(collection, query, before, limit));
  const items = rows.slice(0, limit).map(toRecord);
  const last = rows[limit - 1];
  if (rows.length <= limit || last === undefined) return { items };
  const end = { createdAt: last.created_at, sequence: Number(last.sequence) };
  return { items, nextCursor: cursors.write(collection, end) };
}

function toRecord(row: SqlRow): StoredRecord {
  const { collection, id, status, version, json } = row;
  if (typeof json !== 'string') throw corruptRecord(id);
  return fromJsonRecord({
    collection,
    id,
    ...defined({ userId: row.user_id ?? undefined, expiresAt: row.expires_at ?? undefined }),
    status,
    createdAt: row.created_at,
    version: Number(version),
    json,
  });
}
