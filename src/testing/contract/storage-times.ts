import { deepEqual, equal, fail } from 'node:assert/strict';
import type { ListQuery, StorageAdapter } from '../../contracts/storage.js';
import { ids, millisecond, record, type StorageClause, second, writeMixed } from './storage-samples.js';

const SOON = '2099-01-01T00:00:00.000Z';
const LATER = '2099-01-01T00:00:00.001Z';
/** For any clock. */
const LONG_AGO = '1970-01-01T00:00:00.000Z';

/** When a record ends, and lists of a span of time. */
export const timeClauses: readonly StorageClause[] = [
  {
    rule: 'storage 58: expiresAt comes back as it was written, and is absent where it was',
    async check({ adapter }) {
      const written = [
        record('a', { createdAt: second(0) }),
        record('b', { createdAt: second(1), expiresAt: SOON }),
      ];
      for (const one of written) await adapter.put(one);
      const expected = written.map((one) => ({ ...one, version: 1 }));
      for (const one of expected) deepEqual(await adapter.get('jobs', one.id), one);
      deepEqual((await adapter.list('jobs', {})).items, expected.reverse());
    },
  },
  {
    rule: 'storage 59: put replaces expiresAt, and takes it away where the new record has none',
    async check({ adapter }) {
      for (const next of [record('a'), record('b', { expiresAt: LATER })]) {
        await adapter.put({ ...next, expiresAt: SOON });
        await adapter.put(next);
        deepEqual(await adapter.get('jobs', next.id), { ...next, version: 2 });
      }
    },
  },
  {
    rule: 'storage 60: a record is there also after its expiresAt',
    async check({ adapter }) {
      const expired = record('a', { expiresAt: LONG_AGO });
      await adapter.put(expired);
      deepEqual(await adapter.get('jobs', 'a'), { ...expired, version: 1 });
      deepEqual(await ids(adapter, {}), ['a']);
      equal(await adapter.put(expired, { expectedVersion: 1 }), true);
      equal(await adapter.put(expired, { expectedVersion: 0 }), false);
      equal(await adapter.delete('jobs', 'a'), true);
    },
  },
  {
    rule: 'storage 61: list with createdFrom holds what was created at that millisecond or after it',
    async check({ adapter }) {
      await writeMilliseconds(adapter);
      deepEqual(await ids(adapter, { createdFrom: millisecond(2) }), ['r3', 'r2']);
      deepEqual(await ids(adapter, { createdFrom: millisecond(0) }), ['r3', 'r2', 'r1', 'r0']);
      deepEqual(await ids(adapter, { createdFrom: millisecond(4) }), []);
    },
  },
  {
    rule: 'storage 62: list with createdBefore holds what was created before that millisecond',
    async check({ adapter }) {
      await writeMilliseconds(adapter);
      deepEqual(await ids(adapter, { createdBefore: millisecond(2) }), ['r1', 'r0']);
      deepEqual(await ids(adapter, { createdBefore: millisecond(4) }), ['r3', 'r2', 'r1', 'r0']);
      deepEqual(await ids(adapter, { createdBefore: millisecond(0) }), []);
    },
  },
  {
    rule: 'storage 63: list with createdFrom and createdBefore holds what was created between them',
    async check({ adapter }) {
      await writeMixed(adapter);
      for (const [from, before, expected] of [
        [0.5, 3.5, ['r3', 'r2', 'r1']],
        [2.5, 3.5, ['r3']],
        [2.5, 2.5, []],
        [3.5, 1.5, []],
      ] as const) {
        const query = { createdFrom: second(from), createdBefore: second(before) };
        deepEqual(await ids(adapter, query), expected);
      }
    },
  },
  {
    rule: 'storage 64: list with times, userId and status holds what fits all of them',
    async check({ adapter }) {
      await writeMixed(adapter);
      const filters = { userId: 'even', status: 'active' };
      deepEqual(await ids(adapter, { ...filters, createdFrom: second(0.5) }), ['r2']);
      deepEqual(await ids(adapter, { ...filters, createdBefore: second(1.5) }), ['r0']);
    },
  },
  {
    rule: 'storage 65: all pages of a list with times hold only what fits, and as much of it as their limit',
    async check({ adapter }) {
      await writeMixed(adapter);
      for (const [query, expected] of [
        [{ createdFrom: second(0.5) }, [['r5', 'r4'], ['r3', 'r2'], ['r1']]],
        [{ createdBefore: second(2.5) }, [['r2', 'r1'], ['r0']]],
        [{ createdFrom: second(0.5), userId: 'odd' }, [['r5', 'r3'], ['r1']]],
        [{ createdBefore: second(4.5), userId: 'even' }, [['r4', 'r2'], ['r0']]],
      ] as const) {
        deepEqual(await pagesOf(adapter, { ...query, limit: 2 }), expected);
      }
    },
  },
];

/** Four records, a millisecond apart. */
async function writeMilliseconds(adapter: StorageAdapter): Promise<void> {
  for (const at of [0, 1, 2, 3]) await adapter.put(record(`r${at}`, { createdAt: millisecond(at) }));
}

async function pagesOf(adapter: StorageAdapter, query: ListQuery): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await adapter.list('jobs', cursor === undefined ? query : { ...query, cursor });
    pages.push(page.items.map(({ id }) => id));
    if (pages.length > 10) fail('the cursor never comes to an end');
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return pages;
}
