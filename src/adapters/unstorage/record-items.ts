import type { StorageError } from '../../errors/index.js';
import { sleep } from '../../internal/sleep.js';
import { systemClock } from '../../internal/system-clock.js';
import { corruptRecord } from '../../records/record.js';
import { notDeleted } from './errors.js';
import type { Items } from './items.js';
import { hashOf, type Keys } from './keys.js';
import { decodeValue, encodeValue, type StoredValue } from './value.js';

/** What is damaged may be what another process is writing: some drivers overwrite in place. */
const READ_AGAIN_AFTER_MS = [10, 40, 160];

/** A value that is no record of ours, or no longer. */
export const DAMAGED = Symbol('damaged');

export type Found = StoredValue | typeof DAMAGED | undefined;

/** The items that hold records, by their keys. */
export class RecordItems {
  readonly #items: Items;
  readonly #keys: Keys;

  constructor(items: Items, keys: Keys) {
    this.#items = items;
    this.#keys = keys;
  }

  async find(key: string): Promise<Found> {
    let found = await this.#read(key);
    for (const pauseMs of READ_AGAIN_AFTER_MS) {
      if (found === undefined || (found !== DAMAGED && found.json !== undefined)) return found;
      await sleep(systemClock, pauseMs);
      found = await this.#read(key);
    }
    return found;
  }

  write(key: string, stored: StoredValue & { readonly json: string }): Promise<void> {
    return this.#items.set(key, encodeValue(stored));
  }

  /** Removes what was found. What somebody else has written meanwhile, in another process, is not that. */
  async remove(key: string, found: Found): Promise<void> {
    await this.#items.remove(key);
    if (!(await this.#items.has(key))) return;
    const after = await this.find(key);
    if (after !== undefined && nameOf(after) === nameOf(found)) throw notDeleted();
  }

  async #read(key: string): Promise<Found> {
    const value = await this.#items.get(key);
    if (value === undefined) return undefined;
    const stored = decodeValue(key, value);
    const isOurs = stored !== undefined && this.#keys.record(stored.collection, hashOf(stored.id)) === key;
    return isOurs ? stored : DAMAGED;
  }
}

function nameOf(found: Found): unknown {
  return typeof found === 'object' ? found.write : found;
}

/** @throws StorageError where the value is damaged. Its data may be cut off all the same. */
export function whole(key: string, found: Found): StoredValue | undefined {
  if (found === DAMAGED) throw corruptItem(key);
  return found;
}

export function corruptItem(key: string): StorageError {
  return corruptRecord(`with the key ${key}`);
}
