import type {
  ListQuery,
  Page,
  PurgeQuery,
  StorageCollection,
  StoredRecord,
  WriteCondition,
} from '../../contracts/storage.js';
import { Cursors, fitsNothing, isListed, limitOf } from '../../records/pages.js';
import { checkPurgeQuery, isPurged } from '../../records/purge-query.js';
import {
  checkChanges,
  checkRecord,
  fromJsonRecord,
  type JsonChange,
  type JsonRecord,
} from '../../records/record.js';
import { type Bounds, MemoryCollection, type Row } from './collection.js';

/** Steps that take back what was done, in the order in which it was done. */
type Undo = (() => void)[];

/** The records of a memory storage. Every method runs in one turn: that is what makes a condition atomic. */
export class MemoryRecords {
  readonly #collections: Readonly<Record<StorageCollection, MemoryCollection>>;
  /** Cursors of another store, or of this one before a restart, point nowhere. */
  readonly #cursors = new Cursors(globalThis.crypto.randomUUID());

  readonly #maxBytes: number;

  constructor(bounds: Bounds) {
    this.#maxBytes = bounds.maxBytes;
    this.#collections = {
      transcripts: new MemoryCollection(bounds),
      jobs: new MemoryCollection(bounds),
      idempotency: new MemoryCollection(bounds),
      outbox: new MemoryCollection(bounds),
      webhooks: new MemoryCollection(bounds),
    };
  }

  get(collection: StorageCollection, id: string): StoredRecord | undefined {
    const row = this.#collections[collection].get(id);
    return row && toRecord(row);
  }

  put(record: JsonRecord, condition?: WriteCondition): boolean {
    return this.#put(checkRecord(record, this.#maxBytes), condition, []);
  }

  #put(record: JsonRecord, condition: WriteCondition | undefined, undo: Undo): boolean {
    const rows = this.#collections[record.collection];
    if (!this.#holds(record, condition)) return false;
    const pushedOut = rows.set({ ...record, version: (rows.get(record.id)?.version ?? 0) + 1 });
    for (const row of pushedOut) undo.push(() => rows.restore(row.id, row));
    return true;
  }

  list(collection: StorageCollection, query: ListQuery): Page<StoredRecord> {
    const limit = limitOf(query);
    const before = query.cursor === undefined ? undefined : this.#cursors.read(collection, query.cursor);
    if (fitsNothing(query)) return { items: [] };
    const items: StoredRecord[] = [];
    let last: Row | undefined;
    for (const row of this.#collections[collection].newestFirst(before)) {
      if (!isListed(row, query)) continue;
      if (last !== undefined && items.length === limit) {
        return { items, nextCursor: this.#cursors.write(collection, last) };
      }
      items.push(toRecord(row));
      last = row;
    }
    return { items };
  }

  delete(collection: StorageCollection, id: string, condition?: WriteCondition): boolean {
    if (!this.#holds({ collection, id }, condition)) return false;
    return this.#collections[collection].delete(id);
  }

  transact(changes: readonly JsonChange[]): boolean {
    const checked = checkChanges(changes, this.#maxBytes);
    const undo: Undo = [];
    try {
      for (const change of checked) {
        const { collection, id } = change.type === 'put' ? change.record : change;
        const rows = this.#collections[collection];
        const before = rows.get(id);
        undo.push(() => rows.restore(id, before));
        if (!this.#apply(change, undo)) {
          rollBack(undo);
          return false;
        }
      }
      return true;
    } catch (error) {
      rollBack(undo);
      throw error;
    }
  }

  purge(collection: StorageCollection, query: PurgeQuery): number {
    checkPurgeQuery(collection, query);
    const rows = this.#collections[collection];
    const gone = [...rows.newestFirst()].filter((row) => isPurged(row, query));
    for (const { id } of gone) rows.delete(id);
    return gone.length;
  }

  #apply(change: JsonChange, undo: Undo): boolean {
    if (change.type === 'put') return this.#put(change.record, change.condition, undo);
    const { collection, id, condition } = change;
    if (!this.#holds(change, condition)) return false;
    if (change.type === 'delete') this.#collections[collection].delete(id);
    return true;
  }

  #holds(
    { collection, id }: { readonly collection: StorageCollection; readonly id: string },
    condition: WriteCondition | undefined,
  ): boolean {
    const version = this.#collections[collection].get(id)?.version ?? 0;
    return condition === undefined || condition.expectedVersion === version;
  }
}

/** The last change is undone first. */
function rollBack(undo: Undo): void {
  for (const step of [...undo].reverse()) step();
}

function toRecord({ sequence: _sequence, ...row }: Row): StoredRecord {
  return fromJsonRecord(row);
}
