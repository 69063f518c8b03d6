import { notListing } from './errors.js';
import type { Items } from './items.js';
import type { Keys } from './keys.js';

const STORE_ID = /^s[0-9a-f-]{36}$/;

/** A random name of the store, the same for all who share it: written with its first record. */
export class StoreId {
  readonly #items: Items;
  readonly #keys: Keys;
  #isListing = false;

  constructor(items: Items, keys: Keys) {
    this.#items = items;
    this.#keys = keys;
  }

  /**
   * Never kept: two processes may write the first one at the same time, and what is read later is the one that stayed.
   */
  async read(): Promise<string> {
    const stored = await this.#find();
    if (stored !== undefined) return stored;
    const made = `s${globalThis.crypto.randomUUID()}`;
    await this.#items.set(this.#keys.storeId, made);
    return (await this.#find()) ?? made;
  }

  /** @throws StorageError where a driver says that it has no keys, and has some. */
  async checkListing(): Promise<void> {
    if (this.#isListing || (await this.#find()) === undefined) return;
    const keys = await this.#items.keys(this.#keys.meta);
    if (!keys.includes(this.#keys.storeId)) throw notListing();
    this.#isListing = true;
  }

  async #find(): Promise<string | undefined> {
    const value = await this.#items.get(this.#keys.storeId);
    return typeof value === 'string' && STORE_ID.test(value) ? value : undefined;
  }
}
