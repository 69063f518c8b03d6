import type {
  ListQuery,
  Page,
  PurgeQuery,
  StorageCollection,
  StoredRecord,
  WriteCondition,
} from '../../contracts/storage.js';
import { StorageError } from '../../errors/index.js';
import { Lazy } from '../../internal/lazy.js';
import { fitsNothing, limitOf } from '../../records/pages.js';
import { checkPurgeQuery } from '../../records/purge-query.js';
import { corruptRecord, fromJsonRecord, isStorableId, type JsonRecord } from '../../records/record.js';
import { Cursors } from './cursors.js';
import { type Filter, fits, listFilter, purgeFilter } from './filter.js';
import { entryFilter, entryName, type IndexEntry, placeOf, readEntry, writeName } from './index-entry.js';
import type { Items } from './items.js';
import { KeyedLock } from './keyed-lock.js';
import { hashOf, Keys } from './keys.js';
import { probe } from './probe.js';
import { corruptItem, DAMAGED, RecordItems, whole } from './record-items.js';
import { StoreId } from './store-id.js';
import type { StoredValue } from './value.js';

const AT_ONCE = 16;
/** Longer than any write takes: until then an entry without its record may be about to get it. */
const STALE_AFTER_MS = 3_600_000;
/** All is said by the key. */
const ENTRY_VALUE = 'entry';

/** The records of one prefix. */
export class UnstorageRecords {
  readonly #items: Items;
  readonly #keys: Keys;
  readonly #records: RecordItems;
  readonly #storeId: StoreId;
  readonly #cursors: Cursors;
  /** Conditions are reads before a write: in this process nobody comes between. */
  readonly #locks = new KeyedLock();
  /** Done before the first write, so that a driver which drops writes in silence acknowledges none. */
  readonly #writable: Lazy<void>;
  #lastSequence = 0;

  constructor(items: Items, prefix: string) {
    this.#items = items;
    this.#keys = new Keys(prefix);
    this.#records = new RecordItems(items, this.#keys);
    this.#storeId = new StoreId(items, this.#keys);
    this.#cursors = new Cursors(this.#storeId);
    this.#writable = new Lazy(async () => {
      await probe(items, prefix);
      await this.#storeId.read();
    });
  }

  async get(collection: StorageCollection, id: string): Promise<StoredRecord | undefined> {
    if (!isStorableId(id)) return undefined;
    const stored = await this.#find(this.#keys.record(collection, hashOf(id)));
    return stored && toRecord(stored);
  }

  async put(record: JsonRecord, condition: WriteCondition | undefined): Promise<boolean> {
    await this.#writable.get();
    const key = this.#keys.record(record.collection, hashOf(record.id));
    return this.#locks.run(key, async () => {
      const before = whole(key, await this.#records.find(key));
      if (!holds(before, condition)) return false;
      const next = {
        ...record,
        version: (before?.version ?? 0) + 1,
        sequence: before?.sequence ?? this.#nextSequence(),
        write: writeName(Date.now()),
      };
      await this.#items.set(this.#entryKey(next), ENTRY_VALUE);
      await this.#records.write(key, next);
      if (before !== undefined) await this.#dropEntries(this.#entryKey(before));
      return true;
    });
  }

  async delete(
    collection: StorageCollection,
    id: string,
    condition: WriteCondition | undefined,
  ): Promise<boolean> {
    if (!isStorableId(id)) return false;
    const key = this.#keys.record(collection, hashOf(id));
    return this.#locks.run(key, async () => {
      const found = await this.#records.find(key);
      if (found === undefined) return false;
      if (condition !== undefined && !holds(whole(key, found), condition)) return false;
      await this.#records.remove(key, found);
      if (found !== DAMAGED) await this.#dropEntries(this.#entryKey(found));
      return true;
    });
  }

  async list(collection: StorageCollection, query: ListQuery): Promise<Page<StoredRecord>> {
    const limit = limitOf(query);
    const before =
      query.cursor === undefined ? undefined : await this.#cursors.read(collection, query.cursor);
    if (fitsNothing(query)) return { items: [] };
    const filter = listFilter(query);
    const entries = newestFirst(await this.#entries(collection, filter), before);
    const found: StoredValue[] = [];
    // One more than the page: an entry alone does not tell that there is a record after it.
    for (let start = 0; start < entries.length && found.length <= limit; ) {
      const end = start + Math.min(AT_ONCE, limit + 1 - found.length);
      const batch = entries.slice(start, end).map((entry) => this.#listed(collection, entry, filter));
      found.push(...(await Promise.all(batch)).filter((stored) => stored !== undefined));
      start = end;
    }
    const items = found.slice(0, limit).map(toRecord);
    const last = found[limit - 1];
    if (last === undefined || found.length <= limit) return { items };
    return { items, nextCursor: await this.#cursors.write(collection, placeOf(last)) };
  }

  /** Takes away too the index entries that a crash has left, where they fit. */
  async purge(collection: StorageCollection, query: PurgeQuery): Promise<number> {
    checkPurgeQuery(collection, query);
    const filter = purgeFilter(query);
    const entries = await this.#entries(collection, filter);
    let count = 0;
    let damage: StorageError | undefined;
    for (let start = 0; start < entries.length; start += AT_ONCE) {
      const batch = entries.slice(start, start + AT_ONCE);
      const outcomes = await Promise.all(batch.map((entry) => this.#purgeOne(collection, entry, filter)));
      count += outcomes.filter((outcome) => outcome === true).length;
      damage ??= outcomes.find((outcome) => outcome instanceof StorageError);
    }
    // A damaged record keeps no other one from being purged, and does not stay behind without a word.
    if (damage !== undefined) throw damage;
    return count;
  }

  /** Whether a record was deleted; the error of one that is damaged. */
  async #purgeOne(
    collection: StorageCollection,
    entry: IndexEntry,
    filter: Filter,
  ): Promise<boolean | StorageError> {
    const key = this.#keys.record(collection, entry.idHash);
    const entryKey = this.#keys.index(collection) + entry.name;
    return this.#locks.run(key, async () => {
      const found = await this.#records.find(key);
      if (found === DAMAGED) return corruptItem(key);
      if (found !== undefined && isListed(found, entry, filter)) {
        await this.#records.remove(key, found);
        await this.#dropEntries(entryKey, this.#entryKey(found));
        return true;
      }
      const isStale = found === undefined || entryName(found) !== entry.name;
      if (isStale && Date.now() - entry.madeAtMs > STALE_AFTER_MS) await this.#dropEntries(entryKey);
      return false;
    });
  }

  /** Entries of what may fit: their records must be asked. */
  async #entries(collection: StorageCollection, filter: Filter): Promise<readonly IndexEntry[]> {
    const base = this.#keys.index(collection);
    const keys = await this.#items.keys(base);
    if (keys.length === 0) await this.#storeId.checkListing();
    const entries = keys.map((key) => readEntry(key.slice(base.length)));
    return entries.filter((entry) => entry !== undefined).filter(entryFilter(filter));
  }

  async #listed(
    collection: StorageCollection,
    entry: IndexEntry,
    filter: Filter,
  ): Promise<StoredValue | undefined> {
    const stored = await this.#find(this.#keys.record(collection, entry.idHash));
    return stored !== undefined && isListed(stored, entry, filter) ? stored : undefined;
  }

  async #find(key: string): Promise<StoredValue | undefined> {
    return whole(key, await this.#locks.run(key, () => this.#records.find(key)));
  }

  /** The record has been written or deleted by now: an entry that stays behind is passed over. */
  async #dropEntries(...keys: readonly string[]): Promise<void> {
    await Promise.allSettled([...new Set(keys)].map((key) => this.#items.remove(key)));
  }

  #entryKey(stored: StoredValue): string {
    return this.#keys.index(stored.collection) + entryName(stored);
  }

  /** Microseconds of the wall clock: of one moment, what was written first is the older one, in all processes. */
  #nextSequence(): number {
    this.#lastSequence = Math.max(this.#lastSequence + 1, Date.now() * 1000);
    return this.#lastSequence;
  }
}

function holds(before: StoredValue | undefined, condition: WriteCondition | undefined): boolean {
  return condition === undefined || condition.expectedVersion === (before?.version ?? 0);
}

/**
 * Whether the record is still in the place of the entry, and fits.
 *
 * One that has been written since has another entry, and keeps its place: it must not be missing for that.
 */
function isListed(stored: StoredValue, { place }: IndexEntry, filter: Filter): boolean {
  return placeOf(stored) === place && fits(stored, filter);
}

/** One entry of each place, older than the given one. */
function newestFirst(entries: readonly IndexEntry[], before: string | undefined): readonly IndexEntry[] {
  const older = before === undefined ? entries : entries.filter(({ place }) => place < before);
  const places = new Map(older.map((entry) => [entry.place, entry]));
  return [...places.values()].sort((a, b) => (a.place < b.place ? 1 : -1));
}

function toRecord({ sequence: _sequence, write: _write, json, ...envelope }: StoredValue): StoredRecord {
  if (json === undefined) throw corruptRecord(envelope.id);
  return fromJsonRecord({ ...envelope, json });
}
