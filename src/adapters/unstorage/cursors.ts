import type { StorageCollection } from '../../contracts/storage.js';
import { StorageError } from '../../errors/index.js';
import { isPlace } from './index-entry.js';
import type { StoreId } from './store-id.js';

/** Cursors of one store: those of another one point nowhere. What comes next has a smaller place. */
export class Cursors {
  readonly #storeId: StoreId;

  constructor(storeId: StoreId) {
    this.#storeId = storeId;
  }

  async write(collection: StorageCollection, place: string): Promise<string> {
    return Buffer.from(JSON.stringify([await this.#storeId.read(), collection, place])).toString('base64url');
  }

  /** @throws StorageError where the cursor is not one of this list. */
  async read(collection: StorageCollection, cursor: string): Promise<string> {
    const [storeId, of, place] = parts(cursor);
    if (of === collection && isPlace(place) && storeId === (await this.#storeId.read())) return place;
    throw new StorageError('The cursor is not one of this list. Start again without a cursor.', {
      code: 'invalid_option',
    });
  }
}

function parts(cursor: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
