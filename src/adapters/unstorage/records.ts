import type {
  ListQuery,
  Page,
  PurgeQuery,
  StorageCollection,
  StoredRecord,
} from '../../contracts/storage.js';
import { Lazy } from '../../internal/lazy.js';
import { sleep } from '../../internal/sleep.js';
import { systemClock } from '../../internal/system-clock.js';
import { fitsNothing, limitOf } from '../../records/pages.js';
import { checkPurgeQuery } from '../../records/purge-query.js';
import { corruptRecord, fromJsonRecord, isStorableId, type JsonRecord } from '../../records/record.js';
import { Cursors } from './cursors.js';
import { notDeleted } from './errors.js';
import { type Filter, fits, listFilter, purgeFilter } from './filter.js';
import { entryFilter, entryName, type IndexEntry, placeOf, readEntry, writeName } from './index-entry.js';
import type { Items } from './items.js';
import { KeyedLock } from './keyed-lock.js';
import { hashOf, Keys } from './keys.js';
import { probe } from './probe.js';
import { StoreId } from './store-id.js';
import { decodeValue, encodeValue, type StoredValue } from './value.js';

/** What is damaged may be what another process is writing: files are overwritten in place. */
const READ_AGAIN_AFTER_MS = [10, 40, 160];
const READ_AT_ONCE = 16;
/** Longer than any write takes: until then an entry without its record may be about to get it. */
const STALE_AFTER_MS = 3_600_000;
/** All is said by the key. */
const ENTRY_VALUE = 'entry';

/** A value that is no record of ours, or no longer. */
const DAMAGED = Symbol('damaged');

/** The records of one prefix. */
export class UnstorageRecords {
  readonly #items: Items;
  readonly #keys: Keys;
  readonly #storeId: StoreId;
  readonly #cursors: Cursors;
  /** Conditions are reads before a write: in this process nobody comes between. */
  readonly #locks = new KeyedLock();
  /** Before the first write, so that a driver which drops writes in silence acknowledges none. */
  readonly #writable: Lazy<void>;
  #lastSequence = 0;

  constructor(items: Items, prefix: string) {
    this.#items = items;
    this.#keys = new Keys(prefix);
    this.#storeId = new StoreId(items, this.#keys);
    this.#cursors = new Cursors(this.#storeId);
    this.#writable = new Lazy(async () => {
      await probe(items, prefix);
      await this.#storeId.read();
    });
  }

  async get(collection: StorageCollection, id: string): Promise<StoredRecord | undefined> {
    if (!isStorableId(id)) return undefined;
    const key = this.#keys.record(collection, hashOf(id));
    const found = await this.#locks.run(key, () => this.#find(key));
    return found && toRecord(whole(key, found));
  }

  async put(record: JsonRecord, expectedVersion: number | undefined): Promise<boolean> {
    await this.#writable.get();
    const { collection, id } = record;
    const key = this.#keys.record(collection, hashOf(id));
    return this.#locks.run(key, async () => {
      const found = await this.#find(key);
      const before = found && whole(key, found);
      const version = before?.version ?? 0;
      if (expectedVersion !== undefined && expectedVersion !== version) return false;
      const sequence = before?.sequence ?? this.#nextSequence();
      const next = { ...record, version: version + 1, sequence, write: writeName(Date.now()) };
      await this.#items.set(this.#entryKey(next), ENTRY_VALUE);
      await this.#items.set(key, encodeValue(next));
      if (before !== undefined) await this.#dropEntries([this.#entryKey(before)]);
      return true;
    });
  }

  async delete(
    collection: StorageCollection,
    id: string,
    expectedVersion: number | undefined,
  ): Promise<boolean> {
    if (!isStorableId(id)) return false;
    const key = this.#keys.record(collection, hashOf(id));
    return this.#locks.run(key, async () => {
      const found = await this.#find(key);
      if (found === undefined) return false;
      if (expectedVersion !== undefined && whole(key, found).version !== expectedVersion) return false;
      await this.#removeRecord(key);
      if (found !== DAMAGED) await this.#dropEntries([this.#entryKey(found)]);
      return true;
    });
  }

  async list(collection: StorageCollection, query: ListQuery): Promise<Page<StoredRecord>> {
    const limit = limitOf(query);
    const before =
      query.cursor === undefined ? undefined : await this.#cursors.read(collection, query.cursor);
    if (fitsNothing(query)) return { items: [] };
    const filter = listFilter(query);
    const entries = await this.#entries(collection, filter);
    const places = newestFirst(entries).filter(({ place }) => before === undefined || place < before);
    const found: StoredValue[] = [];
    // One more than the page, because an entry alone does not tell that there is a record after it.
    for (let start = 0; start < places.length && found.length <= limit; ) {
      const end = start + Math.min(READ_AT_ONCE, limit + 1 - found.length);
      const batch = places.slice(start, end).map((entry) => this.#listed(collection, entry, filter));
      found.push(...(await Promise.all(batch)).filter((stored) => stored !== undefined));
      start = end;
    }
    const items = found.slice(0, limit).map(toRecord);
    const last = found[limit - 1];
    if (last === undefined || found.length <= limit) return { items };
    return { items, nextCursor: await this.#cursors.write(collection, placeOf(last)) };
  }

  /** Also takes away index entries that a crash has left, where they fit. */
  async purge(collection: StorageCollection, query: PurgeQuery): Promise<number> {
    checkPurgeQuery(collection, query);
    const filter = purgeFilter(query);
    const entries = await this.#entries(collection, filter);
    let count = 0;
    let damaged: string | undefined;
    for (let start = 0; start < entries.length; start += READ_AT_ONCE) {
      const batch = entries.slice(start, start + READ_AT_ONCE);
      const outcomes = await Promise.all(batch.map((entry) => this.#purgeOne(collection, entry, filter)));
      count += outcomes.filter((outcome) => outcome === true).length;
      if (outcomes.includes(DAMAGED)) {
        damaged ??= this.#keys.record(collection, batch[outcomes.indexOf(DAMAGED)]?.idHash ?? '');
      }
    }
    // One damaged record must not keep all others for ever, and must not stay without a word either.
    if (damaged !== undefined) throw corrupt(damaged);
    return count;
  }

  /** True where a record was deleted. */
  async #purgeOne(
    collection: StorageCollection,
    entry: IndexEntry,
    filter: Filter,
  ): Promise<boolean | typeof DAMAGED> {
    const key = this.#keys.record(collection, entry.idHash);
    const entryKey = this.#keys.index(collection) + entry.name;
    return this.#locks.run(key, async () => {
      const found = await this.#find(key);
      if (found === DAMAGED) return DAMAGED;
      if (found !== undefined && placeOf(found) === entry.place && fits(found, filter)) {
        await this.#removeRecord(key);
        await this.#dropEntries([entryKey, this.#entryKey(found)]);
        return true;
      }
      const isStale = found === undefined || entryName(found) !== entry.name;
      if (isStale && Date.now() - entry.madeAtMs > STALE_AFTER_MS) await this.#dropEntries([entryKey]);
      return false;
    });
  }

  /** Entries of what may fit; the record of each must be asked again. */
  async #entries(collection: StorageCollection, filter: Filter): Promise<readonly IndexEntry[]> {
    const base = this.#keys.index(collection);
    const keys = await this.#items.keys(base);
    if (keys.length === 0) await this.#storeId.checkListing();
    const entries = keys.map((key) => readEntry(key.slice(base.length)));
    return entries.filter((entry) => entry !== undefined).filter(entryFilter(filter));
  }

  /**
   * The record of an entry, where it still is in that place and fits.
   *
   * A record that has been written since has another entry and keeps its place: it must not be missing for that.
   */
  async #listed(
    collection: StorageCollection,
    { idHash, place }: IndexEntry,
    filter: Filter,
  ): Promise<StoredValue | undefined> {
    const key = this.#keys.record(collection, idHash);
    const found = await this.#locks.run(key, () => this.#find(key));
    if (found === undefined) return undefined;
    const stored = whole(key, found);
    return placeOf(stored) === place && fits(stored, filter) ? stored : undefined;
  }

  async #find(key: string): Promise<StoredValue | typeof DAMAGED | undefined> {
    let found = await this.#read(key);
    for (const pauseMs of READ_AGAIN_AFTER_MS) {
      if (found === undefined || (found !== DAMAGED && found.json !== undefined)) return found;
      await sleep(systemClock, pauseMs);
      found = await this.#read(key);
    }
    return found;
  }

  async #read(key: string): Promise<StoredValue | typeof DAMAGED | undefined> {
    const value = await this.#items.get(key);
    if (value === undefined) return undefined;
    const stored = decodeValue(key, value);
    const isOurs = stored !== undefined && this.#keys.record(stored.collection, hashOf(stored.id)) === key;
    return isOurs ? stored : DAMAGED;
  }

  async #removeRecord(key: string): Promise<void> {
    await this.#items.remove(key);
    if (await this.#items.has(key)) throw notDeleted();
  }

  /** The record has been written or deleted: what is left of the index by a failure here is passed over. */
  async #dropEntries(keys: readonly string[]): Promise<void> {
    await Promise.allSettled([...new Set(keys)].map((key) => this.#items.remove(key)));
  }

  #entryKey(stored: StoredValue): string {
    return this.#keys.index(stored.collection) + entryName(stored);
  }

  /** Microseconds of the wall clock: what was written first comes first, in all processes. */
  #nextSequence(): number {
    this.#lastSequence = Math.max(this.#lastSequence + 1, Date.now() * 1000);
    return this.#lastSequence;
  }
}

/** One entry of each place. */
function newestFirst(entries: readonly IndexEntry[]): readonly IndexEntry[] {
  const places = new Map(entries.map((entry) => [entry.place, entry]));
  return [...places.values()].sort((a, b) => (a.place < b.place ? 1 : -1));
}

function whole(key: string, found: StoredValue | typeof DAMAGED): StoredValue {
  if (found === DAMAGED) throw corrupt(key);
  return found;
}

function corrupt(key: string) {
  return corruptRecord(`with the key ${key}`);
}

function toRecord({ sequence: _sequence, write: _write, json, ...envelope }: StoredValue): StoredRecord {
  if (json === undefined) throw corruptRecord(envelope.id);
  return fromJsonRecord({ ...envelope, json });
}
