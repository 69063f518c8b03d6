import { deepEqual, equal, notEqual } from 'node:assert/strict';
import { ids, record, type StorageClause, second, writeMixed } from './storage-samples.js';

/** What is in a list, in what order, and how many of it. */
export const listClauses: readonly StorageClause[] = [
  {
    rule: 'storage 24: list is newest first, whatever the order of writing',
    async check({ adapter }) {
      for (const at of [3, 1, 5, 2, 4])
        await adapter.put(record(`at-${at}`, { createdAt: second(at / 1000) }));
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
      await adapter.put(record('nobody', { createdAt: second(9) }));
      for (const userId of ['', 'OD', 'ODD', 'od%', '_dd', 'undefined', 'null', "' OR 1=1 --"]) {
        deepEqual(await ids(adapter, { userId }), [], userId);
      }
    },
  },
  {
    rule: 'storage 27: list with status holds the records of that status and no others',
    async check({ adapter }) {
      await writeMixed(adapter);
      await adapter.put(record('r4', { userId: 'even', status: 'active', createdAt: second(4) }));
      deepEqual(await ids(adapter, { status: 'active' }), ['r4', 'r2', 'r1', 'r0']);
      for (const status of ['', 'nothing']) deepEqual(await ids(adapter, { status }), [], status);
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
    rule: 'storage 43: a record that is written again keeps its place in the list, also among those of one moment',
    async check({ adapter }) {
      const names = Array.from({ length: 8 }, (_, index) => `r${index}`);
      const write = (id: string, data: string): Promise<boolean> =>
        adapter.put(record(id, { createdAt: second(Number(id.slice(1)) >> 1), data }));
      for (const id of names) await write(id, 'first');
      const before = await ids(adapter, {});
      for (const id of [...names].reverse()) await write(id, 'second');
      deepEqual(await ids(adapter, {}), before);
    },
  },
];
