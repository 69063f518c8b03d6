import { deepEqual, rejects } from 'node:assert/strict';
import type { PurgeQuery, StorageAdapter } from '../../contracts/storage.js';
import { StorageError } from '../../errors/index.js';
import { everything } from './storage-changes.js';
import { LATE, purge } from './storage-purge.js';
import { record, type StorageClause, writeMixed } from './storage-samples.js';

/** Queries that could take away more than was meant: nothing is deleted, and the error has code `invalid_option`. */
export const purgeRefusalClauses: readonly StorageClause[] = [
  {
    rule: 'storage 103: purge without a time is refused with invalid_option, and deletes nothing',
    needs: ['purge'],
    check: ({ adapter }) => refuses(adapter, [{}, { userId: 'odd' }, { statuses: ['active', 'completed'] }]),
  },
  {
    rule: 'storage 104: purge with a filter that nobody knows is refused with invalid_option, and deletes nothing',
    needs: ['purge'],
    check: ({ adapter }) =>
      refuses(adapter, [
        { createdBefore: LATE, status: 'active' },
        { createdBefore: LATE, userID: 'odd' },
        { expiredBy: LATE, limit: 1 },
        { createdBefore: LATE, createdFrom: LATE },
      ]),
  },
  {
    rule: 'storage 105: purge with a filter that is undefined is refused with invalid_option, and deletes nothing',
    needs: ['purge'],
    check: ({ adapter }) =>
      refuses(adapter, [
        { createdBefore: LATE, userId: undefined },
        { createdBefore: LATE, statuses: undefined },
        { createdBefore: LATE, expiredBy: undefined },
        { createdBefore: undefined, expiredBy: LATE },
      ]),
  },
  {
    rule: 'storage 106: purge with an empty list of statuses is refused with invalid_option, and deletes nothing',
    needs: ['purge'],
    check: ({ adapter }) =>
      refuses(adapter, [
        { createdBefore: LATE, statuses: [] },
        { expiredBy: LATE, userId: 'odd', statuses: [] },
      ]),
  },
  {
    rule: 'storage 107: purge by a time that toISOString() did not write is refused with invalid_option, and deletes nothing',
    needs: ['purge'],
    check: ({ adapter }) =>
      refuses(
        adapter,
        ['2027-01-01', '2027-01-01T00:00:00Z', '2027-01-01T01:00:00.000+01:00', 'tomorrow', ''].flatMap(
          (time) => [{ createdBefore: time }, { expiredBy: time }, { createdBefore: LATE, expiredBy: time }],
        ),
      ),
  },
];

/** The queries are not of their type, some of them. */
async function refuses(adapter: StorageAdapter, queries: readonly object[]): Promise<void> {
  await writeMixed(adapter);
  await adapter.put(
    record('expired', { userId: 'odd', status: 'active', expiresAt: '1970-01-01T00:00:00.000Z' }),
  );
  const before = await everything(adapter);
  for (const query of queries) {
    const isRefused = (error: unknown): boolean =>
      error instanceof StorageError && error.code === 'invalid_option';
    await rejects(async () => purge(adapter, query as PurgeQuery), isRefused, JSON.stringify(query));
    deepEqual(await everything(adapter), before);
  }
}
