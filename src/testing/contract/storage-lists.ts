import { deepEqual, equal, fail, notEqual, rejects } from 'node:assert/strict';
import type { ListQuery, StorageAdapter, StoredRecord } from '../../contracts/storage.js';
import { StorageError } from '../../errors/index.js';
import { record, type StorageClause, second } from './storage-samples.js';

/** Lists, pages and cursors. */
export const listClauses: readonly StorageClause[] = [
  {
    rule: 'storage 24: list is newest first, whatever the order of writing',
    async check({ adapter }) {
      for (const at of [3, 1, 5, 2, 4]) await adapter.put(record(`at-${at}`, { createdAt: second(at) }));
      deepEqual(await ids(adapter, {}), ['at-5', 'at-4', 'at-3', 'at-2', 'at-1']);
    },
  },
  {
    rule: 'storage 25: list hands out whole records',
    async check({ adapter }) {
      await adapter.put(record('a', { userId: 'user-1', data: { deep: [1] } }));
      await adapter.put(record('a', { userId: 'user-1', data: { deep: [2] } }));
      const { items } = await adapter.list('jobs', {});
      deepEqual(items, [{ ...record('a', { userId: 'user-1', data: { deep: [2] } }), version: 2 }]);
    },
  },
  {
    rule: 'storage 26: list with userId holds the records of that user and no others',
    async check({ adapter }) {
      await writeMixed(adapter);
      deepEqual(await ids(adapter, { userId: 'odd' }), ['r5', 'r3', 'r1']);
      deepEqual(await ids(adapter, { userId: 'OD' }), []);
      deepEqual(await ids(adapter, { userId: "' OR 1=1 --" }), []);
    },
  },
  {
    rule: 'storage 27: list with status holds the records of that status and no others',
    async check({ adapter }) {
      await writeMixed(adapter);
      await adapter.put(record('r4', { userId: 'even', status: 'active', createdAt: second(4) }));
      deepEqual(await ids(adapter, { status: 'active' }), ['r4', 'r2', 'r1', 'r0']);
      deepEqual(await ids(adapter, { status: 'nothing' }), []);
    },
  },
  {
    rule: 'storage 28: list with userId and status holds what fits both',
    async check({ adapter }) {
      await writeMixed(adapter);
      deepEqual(await ids(adapter, { userId: 'even', status: 'active' }), ['r2', 'r0']);
    },
  },
  {
    rule: 'storage 29: a page holds no more than its limit, 100 where none is named',
    async check({ adapter }) {
      for (let index = 0; index < 103; index++) {
        await adapter.put(record(`r${index}`, { createdAt: second(index) }));
      }
      for (const [limit, expected] of [
        [1, 1],
        [7, 7],
        [1000, 103],
      ] as const) {
        equal((await adapter.list('jobs', { limit })).items.length, expected);
      }
      equal((await adapter.list('jobs', {})).items.length, 100);
    },
  },
  {
    rule: 'storage 30: the last page has no cursor, also where it is full',
    async check({ adapter }) {
      equal((await adapter.list('jobs', {})).nextCursor, undefined);
      await writeMixed(adapter);
      equal((await adapter.list('jobs', { limit: 6 })).nextCursor, undefined);
      notEqual((await adapter.list('jobs', { limit: 5 })).nextCursor, undefined);
      equal((await adapter.list('jobs', { limit: 3, userId: 'odd' })).nextCursor, undefined);
    },
  },
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
];

function isStorageError(error: unknown): boolean {
  return error instanceof StorageError;
}

/** Six records, a second apart: odd and even users, the older three active. */
async function writeMixed(adapter: StorageAdapter): Promise<void> {
  for (let index = 0; index < 6; index++) {
    await adapter.put(
      record(`r${index}`, {
        userId: index % 2 === 1 ? 'odd' : 'even',
        status: index < 3 ? 'active' : 'completed',
        createdAt: second(index),
      }),
    );
  }
}

async function ids(adapter: StorageAdapter, query: ListQuery): Promise<string[]> {
  return (await adapter.list('jobs', query)).items.map(({ id }) => id);
}

/** All records in the order of their pages. */
async function walk(
  adapter: StorageAdapter,
  query: ListQuery,
  betweenPages: () => Promise<void> = async () => undefined,
): Promise<StoredRecord[]> {
  const items: StoredRecord[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 100; pages++) {
    const page = await adapter.list('jobs', cursor === undefined ? query : { ...query, cursor });
    items.push(...page.items);
    if (page.nextCursor === undefined) return items;
    cursor = page.nextCursor;
    await betweenPages();
  }
  return fail('the cursor never comes to an end');
}
