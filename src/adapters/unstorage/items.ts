import { driverFailed } from './errors.js';

/** What is needed of the storage that unstorage's `createStorage()` returns. */
export interface UnstorageLike {
  getItem(key: string): Promise<unknown>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
  hasItem(key: string): Promise<boolean>;
  getKeys(base: string): Promise<string[]>;
}

/** The items of a storage of unstorage, whose failures are StorageErrors. */
export class Items {
  readonly #storage: UnstorageLike;

  constructor(storage: UnstorageLike) {
    this.#storage = storage;
  }

  /** Undefined where there is none. What is no text was not written by us. */
  async get(key: string): Promise<unknown> {
    const value = await call('reading', () => this.#storage.getItem(key));
    return value === null ? undefined : value;
  }

  set(key: string, value: string): Promise<void> {
    return call('writing', () => this.#storage.setItem(key, value));
  }

  /** Some drivers keep their failures to themselves: where it matters, ask `has()` afterwards. */
  remove(key: string): Promise<void> {
    return call('deleting', () => this.#storage.removeItem(key));
  }

  has(key: string): Promise<boolean> {
    return call('reading', () => this.#storage.hasItem(key));
  }

  /** Whole keys, in no order. The base ends with a colon. */
  keys(base: string): Promise<readonly string[]> {
    return call('listing keys', async () =>
      (await this.#storage.getKeys(base)).filter((key) => key.startsWith(base)),
    );
  }
}

async function call<Value>(operation: string, run: () => Promise<Value>): Promise<Value> {
  let value: Value;
  try {
    value = await run();
  } catch (cause) {
    throw driverFailed(operation, cause);
  }
  // The fs drivers hand out the error of a file that cannot be read, as if it were the value.
  if (value instanceof Error) throw driverFailed(operation, value);
  return value;
}
