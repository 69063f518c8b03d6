import type { ListQuery, PurgeQuery } from '../../contracts/storage.js';
import { defined } from '../../internal/defined.js';
import { isPurged } from '../../records/purge-query.js';
import { isStorable } from '../../records/record.js';

/** What lists and purges ask for. What is undefined is not asked. */
export interface Filter extends PurgeQuery {
  readonly createdFrom?: string;
}

/** What is asked about a record. */
export interface Facts {
  readonly userId?: string;
  readonly status: string;
  readonly createdAt: string;
  readonly expiresAt?: string;
}

export function listFilter({ userId, status, createdFrom, createdBefore }: ListQuery): Filter {
  const statuses = status === undefined ? undefined : [status];
  return defined({ userId, statuses, createdFrom, createdBefore });
}

export function purgeFilter({ userId, statuses, createdBefore, expiredBy }: PurgeQuery): Filter {
  return defined({ userId, statuses: statuses?.filter(isStorable), createdBefore, expiredBy });
}

/** Times are in the order of their text. */
export function fits(facts: Facts, { createdFrom, ...filter }: Filter): boolean {
  return (createdFrom === undefined || facts.createdAt >= createdFrom) && isPurged(facts, filter);
}
