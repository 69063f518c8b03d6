import { createHash } from 'node:crypto';
import type { StorageCollection } from '../../contracts/storage.js';
import { StorageError } from '../../errors/index.js';
import { show } from '../../internal/validate.js';
import { isCollection } from '../../records/record.js';

/**
 * The keys of one prefix.
 *
 * No text of a user gets into a key: drivers cut, fold and refuse what they like. No key is another one with more
 * parts behind it: a file is no folder.
 */
export class Keys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  record(collection: StorageCollection, idHash: string): string {
    return `${this.#prefix}:records:${checked(collection)}:${idHash}`;
  }

  /** What the keys of the index of a collection begin with. */
  index(collection: StorageCollection): string {
    return `${this.#prefix}:index:${checked(collection)}:`;
  }

  get meta(): string {
    return `${this.#prefix}:meta:`;
  }

  get storeId(): string {
    return `${this.meta}store`;
  }
}

export function hashOf(text: string, digits = 64): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

function checked(collection: unknown): string {
  if (isCollection(collection)) return collection;
  throw new StorageError(`The collection ${show(collection)} is none.`, { code: 'invalid_option' });
}
