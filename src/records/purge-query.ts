import type { PurgeQuery, StorageCollection } from '../contracts/storage.js';
import { StorageError } from '../errors/index.js';
import { show } from '../internal/validate.js';
import { isCollection, isIsoTime, type JsonRecord } from './record.js';

const KNOWN: ReadonlySet<string> = new Set<keyof PurgeQuery>([
  'userId',
  'statuses',
  'createdBefore',
  'expiredBy',
]);

/**
 * A filter that is misspelt, or undefined by mistake, must not take everybody's records away.
 *
 * @throws StorageError with code `invalid_option`.
 */
export function checkPurgeQuery(collection: StorageCollection, query: PurgeQuery): void {
  if (!isCollection(collection)) throw refused(`The collection ${show(collection)} is none.`);
  if (typeof query !== 'object' || query === null) throw refused('A purge takes an object.');
  for (const [key, value] of Object.entries(query)) {
    if (!KNOWN.has(key)) throw refused(`The filter ${show(key)} of a purge is none.`);
    if (value === undefined) throw refused(`The filter ${key} of a purge is undefined.`);
  }
  const { userId, statuses, createdBefore, expiredBy } = query;
  if (createdBefore === undefined && expiredBy === undefined) {
    throw refused('A purge needs createdBefore or expiredBy.');
  }
  if (userId !== undefined && typeof userId !== 'string') throw refused('userId must be a string.');
  if (statuses !== undefined && !(Array.isArray(statuses) && statuses.length > 0)) {
    throw refused('statuses must be an array that is not empty.');
  }
  for (const [name, time] of Object.entries({ createdBefore, expiredBy })) {
    if (time !== undefined && !isIsoTime(time)) {
      throw refused(`${name} must be a time as toISOString() writes it, and is ${show(time)}.`);
    }
  }
}

/** True for a record that a purge takes away. */
export function isPurged(
  record: Pick<JsonRecord, 'userId' | 'status' | 'createdAt' | 'expiresAt'>,
  { userId, statuses, createdBefore, expiredBy }: PurgeQuery,
): boolean {
  if (userId !== undefined && record.userId !== userId) return false;
  if (statuses !== undefined && !statuses.includes(record.status)) return false;
  if (createdBefore !== undefined && record.createdAt >= createdBefore) return false;
  return expiredBy === undefined || (record.expiresAt !== undefined && record.expiresAt <= expiredBy);
}

function refused(message: string): StorageError {
  return new StorageError(`${message} Nothing was deleted.`, { code: 'invalid_option' });
}
