import { deepEqual, equal, rejects } from 'node:assert/strict';
import type { RecordInput, StorageAdapter, StorageChange } from '../../contracts/storage.js';
import {
  checking,
  deleting,
  everything,
  manyRecords,
  putting,
  transact,
  writeAll,
} from './storage-changes.js';
import {
  ids,
  isStorageError,
  NEVER,
  record,
  type StorageClause,
  second,
  stored,
  UNSTORABLE,
} from './storage-samples.js';

/** Changes that are made together, or not at all. */
export const transactionClauses: readonly StorageClause[] = [
  {
    rule: 'storage 66: transact makes all of its changes, in all collections, and says true',
    needs: ['transact'],
    async check({ adapter }) {
      await writeAll(adapter, [record('old'), record('gone'), record('other')]);
      const full = { userId: 'user-1', expiresAt: second(9), data: { deep: [1] } };
      const written = [
        record('new', full),
        record('old', { ...full, createdAt: second(1) }),
        record('t', { ...full, collection: 'transcripts' }),
        record('k', { ...full, collection: 'idempotency' }),
        record('o', { ...full, collection: 'outbox' }),
      ];
      equal(await transact(adapter, [...written.map((one) => putting(one)), deleting('gone')]), true);
      for (const one of written) {
        const expected = { ...one, version: one.id === 'old' ? 2 : 1 };
        deepEqual(await adapter.get(one.collection, one.id), expected);
      }
      deepEqual(await ids(adapter, { userId: 'user-1' }), ['old', 'new']);
      equal(await adapter.get('jobs', 'gone'), undefined);
      deepEqual((await ids(adapter, {})).sort(), ['new', 'old', 'other']);
    },
  },
  {
    rule: 'storage 67: a transaction without changes says true',
    needs: ['transact'],
    async check({ adapter }) {
      equal(await transact(adapter, []), true);
      await adapter.put(record('a'));
      const before = await everything(adapter);
      equal(await transact(adapter, []), true);
      deepEqual(await everything(adapter), before);
    },
  },
  {
    rule: 'storage 68: where the condition of a put does not hold, transact changes nothing and says false',
    needs: ['transact'],
    check: ({ adapter }) =>
      stops(adapter, [
        putting(record('twice'), 0),
        putting(record('twice'), 1),
        putting(record('twice'), 3),
        putting(record('twice'), NEVER),
        putting(record('missing'), 1),
      ]),
  },
  {
    rule: 'storage 69: where the condition of a delete does not hold, transact changes nothing and says false',
    needs: ['transact'],
    check: ({ adapter }) =>
      stops(adapter, [
        deleting('twice', 0),
        deleting('twice', 1),
        deleting('twice', 3),
        deleting('twice', NEVER),
        deleting('missing', 1),
      ]),
  },
  {
    rule: 'storage 70: where a check does not hold, transact changes nothing and says false',
    needs: ['transact'],
    check: ({ adapter }) =>
      stops(adapter, [
        checking('twice', 0),
        checking('twice', 1),
        checking('twice', 3),
        checking('twice', NEVER),
        checking('missing', 1),
      ]),
  },
  {
    rule: 'storage 71: a check that holds lets the other changes be made, and leaves its own record as it is',
    needs: ['transact'],
    async check({ adapter }) {
      await adapter.put(record('a'));
      await adapter.put(record('a', { userId: 'user-1', data: 'second' }));
      const kept = await stored(adapter, 'a');
      const changes = [checking('a', 2), putting(record('b')), checking('missing', 0), checking('a', 2)];
      equal(await transact(adapter, changes), true);
      equal((await stored(adapter, 'b')).version, 1);
      equal(await transact(adapter, [checking('a', 2)]), true);
      deepEqual(await stored(adapter, 'a'), kept);
      equal(await adapter.get('jobs', 'missing'), undefined);
    },
  },
  {
    rule: 'storage 72: a delete holds where there is no such record, without a condition and with expectedVersion 0',
    needs: ['transact'],
    async check({ adapter }) {
      equal(await transact(adapter, [deleting('missing'), putting(record('a'))]), true);
      equal(await transact(adapter, [deleting('missing', 0), putting(record('b'))]), true);
      equal(await transact(adapter, [deleting('missing')]), true);
      deepEqual((await ids(adapter, {})).sort(), ['a', 'b']);
    },
  },
  {
    rule: 'storage 73: a delete or a check of an id that no record can have finds no record',
    needs: ['transact'],
    async check({ adapter }) {
      const unfit = [...UNSTORABLE, '', 'x'.repeat(513)];
      for (const id of unfit) {
        equal(await transact(adapter, [deleting(id), checking(id, 0), putting(record('a'))]), true);
        equal(await transact(adapter, [putting(record('a')), checking(id, 1)]), false);
        equal(await transact(adapter, [putting(record('a')), deleting(id, 1)]), false);
      }
      equal((await stored(adapter, 'a')).version, unfit.length);
    },
  },
  {
    rule: 'storage 74: a record that cannot be stored is refused, and its transaction changes nothing',
    needs: ['transact'],
    async check({ adapter }) {
      await adapter.put(record('a'));
      const before = await everything(adapter);
      for (const unfit of unfitRecords()) {
        const changes = [putting(record('a')), deleting('a'), putting(record('b')), putting(unfit)];
        await rejects(async () => transact(adapter, [...changes, putting(record('c'))]), isStorageError);
        deepEqual(await everything(adapter), before);
      }
      equal(await transact(adapter, [putting(record('a'))]), true);
      equal((await stored(adapter, 'a')).version, 2);
    },
  },
  {
    rule: 'storage 75: a transaction of 1000 puts writes all of them',
    needs: ['transact'],
    async check({ adapter }) {
      const records = manyRecords(1000);
      equal(
        await transact(
          adapter,
          records.map((one) => putting(one)),
        ),
        true,
      );
      const { items } = await adapter.list('jobs', { limit: 1000 });
      deepEqual(
        [...items].reverse(),
        records.map((one) => ({ ...one, version: 1 })),
      );
    },
  },
  {
    rule: 'storage 76: changing what was handed to transact, after the call, changes nothing',
    needs: ['transact'],
    async check({ adapter }) {
      const data = { list: [1], inner: { value: 1 } };
      const condition = { expectedVersion: 0 };
      const doomed = { type: 'delete', collection: 'jobs', id: 'missing' } as const;
      const changes: StorageChange[] = [
        putting(record('a', { data })),
        { type: 'check', collection: 'jobs', id: 'b', condition },
        doomed,
      ];
      const written = transact(adapter, changes);
      data.inner.value = 2;
      condition.expectedVersion = 5;
      Object.assign(doomed, { id: 'a' });
      changes.push(putting(record('late')));
      equal(await written, true);
      data.list.push(2);
      deepEqual(await everything(adapter), [
        { ...record('a', { data: { list: [1], inner: { value: 1 } } }), version: 1 },
      ]);
    },
  },
];

/** Each of the changes fails, and stops all others, those before it and those after it. */
async function stops(adapter: StorageAdapter, failing: readonly StorageChange[]): Promise<void> {
  await writeAll(adapter, [record('a'), record('b', { createdAt: second(1) }), record('twice')]);
  await adapter.put(record('twice', { userId: 'user-1', expiresAt: second(9), data: 'second' }));
  await adapter.put(record('t', { collection: 'transcripts' }));
  const before = await everything(adapter);
  const writes = (name: string): StorageChange[] => [
    putting(record(`${name} new`)),
    putting(record('a', { userId: 'user-2', createdAt: second(2), data: name })),
    putting(record('t', { collection: 'transcripts', data: name })),
  ];
  for (const change of failing) {
    for (const changes of [
      [...writes('before'), deleting('b'), change, ...writes('after'), deleting('a')],
      [...writes('before'), deleting('b'), change],
      [change, ...writes('after'), deleting('b')],
    ]) {
      equal(await transact(adapter, changes), false);
      deepEqual(await everything(adapter), before);
    }
  }
  for (const { collection, id, version } of before) {
    equal((await adapter.get(collection, id))?.version, version);
  }
  equal(await adapter.get('jobs', 'before new'), undefined);
  equal(await adapter.get('jobs', 'after new'), undefined);
}

function unfitRecords(): RecordInput[] {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  return [
    ...['', 'a\0', 'a\ud83d', 'x'.repeat(513)].map((id) => record(id)),
    record('d', { createdAt: '2026-01-01' }),
    record('d', { expiresAt: 'tomorrow' }),
    record('d', { data: circle }),
    record('d', { data: 1n }),
  ];
}
