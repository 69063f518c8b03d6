import type { ListQuery, StorageCollection } from '../contracts/storage.js';
import { StorageError } from '../errors/index.js';
import { checkTime, LARGEST_PAGE } from '../internal/check-list-query.js';
import { checkNumber } from '../internal/validate.js';
import { isIsoTime, isStorable, type JsonRecord } from './record.js';

/** Where a page ended: what comes next is older, or of the same moment with a smaller sequence. */
export interface Position {
  readonly createdAt: string;
  /** Orders records of the same moment. A record keeps its own as long as it lives. */
  readonly sequence: number;
}

const DEFAULT_LIMIT = 100;

/**
 * How many records the page may have.
 *
 * @throws BadRequestError where the limit or a time of the query is none.
 */
export function limitOf({ limit = DEFAULT_LIMIT, createdFrom, createdBefore }: ListQuery): number {
  checkNumber('limit', limit, { min: 1, max: LARGEST_PAGE });
  checkTime('createdFrom', createdFrom);
  checkTime('createdBefore', createdBefore);
  return limit;
}

/** True for a record that the filters of the query let pass. */
export function isListed(
  record: Pick<JsonRecord, 'userId' | 'status' | 'createdAt'>,
  { userId, status, createdFrom, createdBefore }: ListQuery,
): boolean {
  if (userId !== undefined && record.userId !== userId) return false;
  if (status !== undefined && record.status !== status) return false;
  if (createdFrom !== undefined && record.createdAt < createdFrom) return false;
  return createdBefore === undefined || record.createdAt < createdBefore;
}

/** Sorts the newest first, and those of one moment by their sequence. */
export function newestFirst(left: Position, right: Position): number {
  if (left.createdAt !== right.createdAt) return left.createdAt < right.createdAt ? 1 : -1;
  return right.sequence - left.sequence;
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
