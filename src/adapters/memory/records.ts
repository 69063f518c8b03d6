import type {
  ListQuery,
  Page,
  RecordInput,
  StorageCollection,
  StoredRecord,
  WriteCondition,
} from '../../contracts/storage.js';
import { StorageError } from '../../errors/index.js';
import { defined } from '../../internal/defined.js';
import { checkNumber } from '../../internal/validate.js';
import { MemoryCollection, type Row } from './collection.js';

const DEFAULT_LIMIT = 100;
const LARGEST_LIMIT = 1000;

/** A record whose data is text already. */
export interface JsonRecord extends Omit<RecordInput, 'data'> {
  readonly json: string;
}

/** The records of a memory storage. Every method runs in one turn: that is what makes a condition atomic. */
export class MemoryRecords {
  readonly #collections: Readonly<Record<StorageCollection, MemoryCollection>>;
  /** Cursors of another store, or of this one before a restart, point nowhere. */
  readonly #storeId = globalThis.crypto.randomUUID();

  constructor(maxRecords: number) {
    this.#collections = {
      transcripts: new MemoryCollection(maxRecords),
      jobs: new MemoryCollection(maxRecords),
      idempotency: new MemoryCollection(maxRecords),
    };
  }

  get(collection: StorageCollection, id: string): StoredRecord | undefined {
    const row = this.#collections[collection].get(id);
    return row && toRecord(collection, row);
  }

  put(record: JsonRecord, condition?: WriteCondition): boolean {
    const rows = this.#collections[record.collection];
    const version = rows.get(record.id)?.version ?? 0;
    if (condition !== undefined && condition.expectedVersion !== version) return false;
    rows.set({
      id: record.id,
      userId: record.userId,
      status: record.status,
      createdAt: record.createdAt,
      version: version + 1,
      json: record.json,
    });
    return true;
  }

  list(collection: StorageCollection, query: ListQuery): Page<StoredRecord> {
    const limit = checkedLimit(query.limit);
    const before = query.cursor === undefined ? undefined : this.#readCursor(collection, query.cursor);
    const items: StoredRecord[] = [];
    let last: Row | undefined;
    for (const row of this.#collections[collection].newestFirst(before)) {
      if (query.userId !== undefined && row.userId !== query.userId) continue;
      if (query.status !== undefined && row.status !== query.status) continue;
      if (last !== undefined && items.length === limit) {
        return { items, nextCursor: this.#writeCursor(collection, last) };
      }
      items.push(toRecord(collection, row));
      last = row;
    }
    return { items };
  }

  delete(collection: StorageCollection, id: string, condition?: WriteCondition): boolean {
    const rows = this.#collections[collection];
    const version = rows.get(id)?.version ?? 0;
    if (condition !== undefined && condition.expectedVersion !== version) return false;
    return rows.delete(id);
  }

  #writeCursor(collection: StorageCollection, row: Row): string {
    const parts = [this.#storeId, collection, row.createdAt, row.sequence];
    return Buffer.from(JSON.stringify(parts)).toString('base64url');
  }

  #readCursor(collection: StorageCollection, cursor: string): Pick<Row, 'createdAt' | 'sequence'> {
    try {
      const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
      if (Array.isArray(parts) && parts[0] === this.#storeId && parts[1] === collection) {
        return { createdAt: String(parts[2]), sequence: Number(parts[3]) };
      }
    } catch {
      // Not JSON: not one of ours either.
    }
    throw new StorageError('The cursor is not one of this list. Start again without a cursor.', {
      code: 'invalid_option',
    });
  }
}

function toRecord(collection: StorageCollection, row: Row): StoredRecord {
  const { id, userId, status, createdAt, version } = row;
  const data: unknown = JSON.parse(row.json);
  return { collection, id, ...defined({ userId }), status, createdAt, version, data };
}

function checkedLimit(limit: number = DEFAULT_LIMIT): number {
  checkNumber('limit', limit, { min: 1, max: LARGEST_LIMIT });
  return limit;
}
