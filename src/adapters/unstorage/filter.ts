import type { ListQuery, PurgeQuery } from '../../contracts/storage.js';
import { defined } from '../../internal/defined.js';
import { isStorable } from '../../records/record.js';

/** What lists and purges ask for. What is undefined is not asked. */
export interface Filter {
  readonly userId?: string;
  readonly statuses?: readonly string[];
  readonly createdFrom?: string;
  readonly createdBefore?: string;
  readonly expiredBy?: string;
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
export function fits(facts: Facts, filter: Filter): boolean {
  const { userId, statuses, createdFrom, createdBefore, expiredBy } = filter;
  if (userId !== undefined && facts.userId !== userId) return false;
  if (statuses !== undefined && !statuses.includes(facts.status)) return false;
  if (createdFrom !== undefined && facts.createdAt < createdFrom) return false;
  if (createdBefore !== undefined && facts.createdAt >= createdBefore) return false;
  return expiredBy === undefined || (facts.expiresAt !== undefined && facts.expiresAt <= expiredBy);
}
