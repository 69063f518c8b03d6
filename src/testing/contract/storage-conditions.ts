import { deepEqual, equal } from 'node:assert/strict';
import { NEVER, record, type StorageClause, stored } from './storage-samples.js';

const WRITERS = 20;

/** Writes that hold only for one version. */
export const conditionClauses: readonly StorageClause[] = [
  {
    rule: 'storage 14: put with expectedVersion 0 writes a record that is not there, or no longer',
    async check({ adapter }) {
      for (const data of ['first', 'second']) {
        equal(await adapter.put(record('a', { data }), { expectedVersion: 0 }), true, data);
        equal((await stored(adapter, 'a')).data, data);
        equal(await adapter.delete('jobs', 'a'), true);
      }
    },
  },
  {
    rule: 'storage 15: put with expectedVersion 0 changes nothing and says false where there is a record',
    async check({ adapter }) {
      await adapter.put(record('a', { data: 'first' }));
      equal(await adapter.put(record('a', { data: 'second' }), { expectedVersion: 0 }), false);
      deepEqual(await adapter.get('jobs', 'a'), { ...record('a', { data: 'first' }), version: 1 });
    },
  },
  {
    rule: 'storage 16: put with the stored version as expectedVersion writes the record whole',
    async check({ adapter }) {
      await adapter.put(record('a', { status: 'queued', userId: 'user-1' }));
      for (const [expectedVersion, next] of [
        [1, record('a', { status: 'active', userId: 'user-2', data: 1 })],
        [2, record('a', { status: 'failed', createdAt: '2026-03-01T00:00:00.000Z', data: 2 })],
      ] as const) {
        equal(await adapter.put(next, { expectedVersion }), true);
        deepEqual(await adapter.get('jobs', 'a'), { ...next, version: expectedVersion + 1 });
      }
    },
  },
  {
    rule: 'storage 17: put with a stale expectedVersion changes nothing and says false',
    async check({ adapter }) {
      await adapter.put(record('a'));
      await adapter.put(record('a', { data: 'kept' }));
      equal(await adapter.put(record('a', { data: 'stale' }), { expectedVersion: 1 }), false);
      deepEqual(await adapter.get('jobs', 'a'), { ...record('a', { data: 'kept' }), version: 2 });
    },
  },
  {
    rule: 'storage 18: put with an expectedVersion that was never written changes nothing and says false',
    async check({ adapter }) {
      await adapter.put(record('a', { data: 'kept' }));
      for (const expectedVersion of [2, NEVER]) {
        equal(await adapter.put(record('a', { data: 'early' }), { expectedVersion }), false);
        deepEqual(await adapter.get('jobs', 'a'), { ...record('a', { data: 'kept' }), version: 1 });
      }
      equal(await adapter.put(record('b'), { expectedVersion: 1 }), false);
      equal(await adapter.get('jobs', 'b'), undefined);
    },
  },
  {
    rule: 'storage 19: delete with another expectedVersion deletes nothing and says false',
    async check({ adapter }) {
      await adapter.put(record('a'));
      await adapter.put(record('a'));
      for (const expectedVersion of [0, 1, 3, NEVER]) {
        equal(await adapter.delete('jobs', 'a', { expectedVersion }), false);
        equal((await stored(adapter, 'a')).version, 2);
      }
    },
  },
  {
    rule: 'storage 20: delete with the stored version as expectedVersion deletes, and nothing is left',
    async check({ adapter }) {
      await adapter.put(record('a'));
      equal(await adapter.delete('jobs', 'a', { expectedVersion: 1 }), true);
      equal(await adapter.get('jobs', 'a'), undefined);
      deepEqual((await adapter.list('jobs', {})).items, []);
      equal(await adapter.delete('jobs', 'a', { expectedVersion: 1 }), false);
    },
  },
  {
    rule: 'storage 21: of 20 puts with one expectedVersion at the same time exactly one is written',
    needs: ['atomic'],
    async check({ adapter }) {
      await adapter.put(record('a'));
      for (const version of [1, 2, 3]) {
        const writes = Array.from({ length: WRITERS }, (_, writer) =>
          adapter.put(record('a', { data: writer }), { expectedVersion: version }),
        );
        const results = await Promise.all(writes);
        equal(results.filter(Boolean).length, 1);
        const { data, version: after } = await stored(adapter, 'a');
        deepEqual({ data, after }, { data: results.indexOf(true), after: version + 1 });
      }
    },
  },
  {
    rule: 'storage 22: of 20 puts with expectedVersion 0 at the same time exactly one is written',
    needs: ['atomic'],
    async check({ adapter }) {
      const writes = Array.from({ length: WRITERS }, (_, writer) =>
        adapter.put(record('a', { data: writer }), { expectedVersion: 0 }),
      );
      const results = await Promise.all(writes);
      equal(results.filter(Boolean).length, 1);
      equal((await stored(adapter, 'a')).data, results.indexOf(true));
    },
  },
  {
    rule: 'storage 23: of 20 deletes with one expectedVersion at the same time exactly one says true',
    needs: ['atomic'],
    async check({ adapter }) {
      await adapter.put(record('a'));
      const deletes = Array.from({ length: WRITERS }, () =>
        adapter.delete('jobs', 'a', { expectedVersion: 1 }),
      );
      equal((await Promise.all(deletes)).filter(Boolean).length, 1);
    },
  },
  {
    rule: 'storage 41: delete with expectedVersion 0 says false where there is no record',
    async check({ adapter }) {
      equal(await adapter.delete('jobs', 'a', { expectedVersion: 0 }), false);
      await adapter.put(record('a'));
      await adapter.delete('jobs', 'a');
      equal(await adapter.delete('jobs', 'a', { expectedVersion: 0 }), false);
    },
  },
  {
    rule: 'storage 42: of a put and a delete with one expectedVersion at the same time exactly one holds',
    needs: ['atomic'],
    async check({ adapter }) {
      for (let round = 0; round < 10; round++) {
        const id = `r${round}`;
        await adapter.put(record(id));
        const calls = [
          () => adapter.delete('jobs', id, { expectedVersion: 1 }),
          () => adapter.put(record(id), { expectedVersion: 1 }),
        ];
        if (round % 2 === 1) calls.reverse();
        const results = await Promise.all(calls.map((call) => call()));
        equal(results.filter(Boolean).length, 1);
        const wasDeleted = results[round % 2] === true;
        equal((await adapter.get('jobs', id))?.version, wasDeleted ? undefined : 2);
      }
    },
  },
];
