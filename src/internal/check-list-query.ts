import { checkOptions } from './check-arguments.js';
import { isIsoTime } from './iso-time.js';
import { checkNumber, checkString, invalidOption } from './validate.js';

/** How many records a page may have. */
export const LARGEST_PAGE = 1000;

/**
 * A query for one page of records. A filter that is misspelt must not list everybody's.
 *
 * @param known The keys that this list takes, `limit` and `cursor` among them.
 */
export function checkListQuery(where: string, query: unknown, known: readonly string[]): void {
  checkOptions(where, query, known);
  checkNumber('limit', query.limit, { min: 1, max: LARGEST_PAGE });
  for (const name of ['userId', 'status', 'cursor']) checkString(name, query[name]);
  for (const name of ['createdFrom', 'createdBefore']) checkTime(name, query[name]);
}

export function checkTime(name: string, value: unknown): void {
  if (value === undefined || isIsoTime(value)) return;
  throw invalidOption(name, 'a time as toISOString() writes it', value);
}
