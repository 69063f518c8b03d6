import { deepEqual, equal } from 'node:assert/strict';
import { checking, deleting, everything, putting, transact, writeAll } from './storage-changes.js';
import { record, type StorageClause, stored } from './storage-samples.js';

/** Changes of one transaction that meet the same record. */
export const orderClauses: readonly StorageClause[] = [
  {
    rule: 'storage 77: of two puts of one record in a transaction both count, and the later one stays',
    needs: ['transact'],
    async check({ adapter }) {
      const puts = [record('a', { userId: 'user-1', data: 'first' }), record('a', { data: 'second' })];
      for (const version of [2, 4]) {
        equal(
          await transact(
            adapter,
            puts.map((put) => putting(put)),
          ),
          true,
        );
        deepEqual(await everything(adapter), [{ ...record('a', { data: 'second' }), version }]);
      }
    },
  },
  {
    rule: 'storage 78: a delete after a put of the same record in a transaction leaves nothing of it',
    needs: ['transact'],
    async check({ adapter }) {
      for (const writes of [[], [record('a')]]) {
        await writeAll(adapter, writes);
        equal(await transact(adapter, [putting(record('a')), putting(record('a')), deleting('a')]), true);
        equal(await adapter.get('jobs', 'a'), undefined);
        deepEqual(await everything(adapter), []);
        equal(await adapter.put(record('a'), { expectedVersion: 0 }), true);
        await adapter.delete('jobs', 'a');
      }
    },
  },
  {
    rule: 'storage 79: a put after a delete of the same record in a transaction begins at version 1',
    needs: ['transact'],
    async check({ adapter }) {
      await writeAll(adapter, [record('a'), record('b')]);
      await writeAll(adapter, [record('a'), record('b')]);
      const changes = [
        ...[deleting('a', 2), putting(record('a', { data: 'next' }), 0)],
        ...[deleting('b'), putting(record('b', { data: 'next' }))],
      ];
      equal(await transact(adapter, changes), true);
      for (const id of ['a', 'b']) {
        deepEqual(await adapter.get('jobs', id), { ...record(id, { data: 'next' }), version: 1 });
      }
    },
  },
  {
    rule: 'storage 80: a condition sees what the changes before it have made, and nothing of those after it',
    needs: ['transact'],
    async check({ adapter }) {
      await adapter.put(record('b'));
      const changes = [
        ...[checking('a', 0), putting(record('a'), 0), checking('a', 1), putting(record('a'), 1)],
        ...[checking('b', 1), deleting('b', 1), checking('b', 0), checking('a', 2)],
      ];
      equal(await transact(adapter, changes), true);
      equal((await stored(adapter, 'a')).version, 2);
      equal(await adapter.get('jobs', 'b'), undefined);
      const before = await everything(adapter);
      for (const late of [checking('a', 2), putting(record('a'), 2), deleting('a', 2), checking('a', 4)]) {
        equal(await transact(adapter, [putting(record('a')), late]), false);
        deepEqual(await everything(adapter), before);
      }
    },
  },
];
