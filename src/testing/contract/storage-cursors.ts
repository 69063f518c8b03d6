import { deepEqual, equal, fail, rejects } from 'node:assert/strict';
import type { ListQuery, StorageAdapter, StoredRecord } from '../../contracts/storage.js';
import { ids, isStorageError, record, type StorageClause, second, writeMixed } from './storage-samples.js';

/** From page to page. */
export const cursorClauses: readonly StorageClause[] = [
  {
    rule: 'storage 31: the cursor walks all records exactly once, also those of one moment',
    async check({ adapter }) {
      const expected = Array.from({ length: 25 }, (_, index) => `r${index}`);
      for (const [index, id] of expected.entries()) {
        await adapter.put(record(id, { createdAt: second(Math.floor(index / 10)), userId: 'user-1' }));
      }
      for (const limit of [1, 4, 10, 25]) {
        const walked = (await walk(adapter, { limit })).map(({ id }) => id);
        deepEqual([...walked].sort(), [...expected].sort(), `limit ${limit}`);
      }
      const filtered = await walk(adapter, { limit: 4, userId: 'user-1', status: 'completed' });
      equal(filtered.length, 25);
    },
  },
  {
    rule: 'storage 32: the cursor walks the older records exactly once while others are added',
    async check({ adapter }) {
      const expected = Array.from({ length: 12 }, (_, index) => `r${index}`).reverse();
      for (let index = 0; index < 12; index++) {
        await adapter.put(record(`r${index}`, { createdAt: second(index) }));
      }
      let page = 0;
      const walked = await walk(adapter, { limit: 3 }, async () => {
        page += 1;
        for (const copy of [0, 1]) {
          await adapter.put(record(`new-${page}-${copy}`, { createdAt: second(100 + page) }));
        }
      });
      deepEqual(
        walked.map(({ id }) => id),
        expected,
      );
    },
  },
  {
    rule: 'storage 33: a cursor that is none is refused with a StorageError',
    async check({ adapter }) {
      await writeMixed(adapter);
      for (const cursor of ['', 'x', 'bnVsbA', "' OR 1=1 --", 'WzEsMl0', '{"a":1}']) {
        await rejects(adapter.list('jobs', { cursor }), isStorageError, `cursor ${cursor}`);
      }
    },
  },
  {
    rule: 'storage 34: a cursor of the other collection is refused with a StorageError',
    async check({ adapter }) {
      await writeMixed(adapter);
      await adapter.put(record('t', { collection: 'transcripts' }));
      const cursor = (await adapter.list('jobs', { limit: 2 })).nextCursor ?? fail('no cursor');
      await rejects(adapter.list('transcripts', { cursor }), isStorageError);
    },
  },
  {
    rule: 'storage 44: the cursor goes on where the record at the end of its page has been deleted',
    async check({ adapter }) {
      await writeMixed(adapter);
      const walked = await walk(adapter, { limit: 2 }, async (last) => {
        equal(await adapter.delete('jobs', last.id), true);
      });
      deepEqual(
        walked.map(({ id }) => id),
        ['r5', 'r4', 'r3', 'r2', 'r1', 'r0'],
      );
    },
  },
  {
    rule: 'storage 45: all pages of a filtered list hold only what fits, and as much of it as their limit',
    async check({ adapter }) {
      await writeMixed(adapter);
      for (const [query, expected] of [
        [{ userId: 'odd' }, ['r5', 'r3', 'r1']],
        [{ status: 'active' }, ['r2', 'r1', 'r0']],
      ] as const) {
        const first = await adapter.list('jobs', { ...query, limit: 2 });
        const cursor = first.nextCursor ?? fail('no cursor');
        const second = await adapter.list('jobs', { ...query, limit: 2, cursor });
        deepEqual(
          [first, second].map(({ items }) => items.map(({ id }) => id)),
          [expected.slice(0, 2), expected.slice(2)],
        );
      }
    },
  },
  {
    rule: 'storage 46: a cursor gives the same page each time, and takes any limit',
    async check({ adapter }) {
      await writeMixed(adapter);
      const cursor = (await adapter.list('jobs', { limit: 2 })).nextCursor ?? fail('no cursor');
      deepEqual(await ids(adapter, { limit: 3, cursor }), ['r3', 'r2', 'r1']);
      deepEqual(await ids(adapter, { limit: 3, cursor }), ['r3', 'r2', 'r1']);
      deepEqual(await ids(adapter, { cursor }), ['r3', 'r2', 'r1', 'r0']);
    },
  },
];

/** All records in the order of their pages. */
async function walk(
  adapter: StorageAdapter,
  query: ListQuery,
  betweenPages: (last: StoredRecord) => Promise<void> = async () => undefined,
): Promise<StoredRecord[]> {
  const items: StoredRecord[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 100; pages++) {
    const page = await adapter.list('jobs', cursor === undefined ? query : { ...query, cursor });
    items.push(...page.items);
    if (page.nextCursor === undefined) return items;
    cursor = page.nextCursor;
    await betweenPages(page.items.at(-1) ?? fail('an empty page has a cursor'));
  }
  return fail('the cursor never comes to an end');
}
