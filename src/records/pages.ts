import type { ListQuery, StorageCollection } from '../contracts/storage.js';
import { StorageError } from '../errors/index.js';
import { checkNumber } from '../internal/validate.js';
import { isIsoTime, isStorable } from './record.js';

/** Where a page ended: what comes next is older, or of the same moment with a smaller sequence. */
export interface Position {
  readonly createdAt: string;
  /** Orders records of the same moment. A record keeps its own as long as it lives. */
  readonly sequence: number;
}

const DEFAULT_LIMIT = 100;
const LARGEST_LIMIT = 1000;

export function limitOf({ limit = DEFAULT_LIMIT }: ListQuery): number {
  checkNumber('limit', limit, { min: 1, max: LARGEST_LIMIT });
  return limit;
}

/** A filter that no record can fit: nothing has to be asked. */
export function fitsNothing({ userId, status }: ListQuery): boolean {
  return (userId !== undefined && !isStorable(userId)) || (status !== undefined && !isStorable(status));
}

/**
 * Cursors of one store: those of another one point nowhere.
 *
 * @param storeId Names the store, the same in all processes that share it.
 */
export class Cursors {
  readonly #storeId: string;

  constructor(storeId: string) {
    this.#storeId = storeId;
  }

  write(collection: StorageCollection, { createdAt, sequence }: Position): string {
    return Buffer.from(JSON.stringify([this.#storeId, collection, createdAt, sequence])).toString(
      'base64url',
    );
  }

  /** @throws StorageError where the cursor is not one of this list. */
  read(collection: StorageCollection, cursor: string): Position {
    const [storeId, of, createdAt, sequence] = parts(cursor);
    if (
      storeId === this.#storeId &&
      of === collection &&
      isIsoTime(createdAt) &&
      Number.isSafeInteger(sequence)
    ) {
      return { createdAt, sequence: sequence as number };
    }
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
