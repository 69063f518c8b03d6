import { deepEqual, equal } from 'node:assert/strict';
import { record, type StorageClause, stored } from './storage-samples.js';

const WRITERS = 20;

/** Writes that hold only for one version. */
export const conditionClauses: readonly StorageClause[] = [
  {
    rule: 'storage 14: put with expectedVersion 0 writes a record that is not there',
    async check({ adapter }) {
      equal(await adapter.put(record('a', { data: 'first' }), { expectedVersion: 0 }), true);
      equal((await stored(adapter, 'a')).data, 'first');
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
    rule: 'storage 16: put with the stored version as expectedVersion writes',
    async check({ adapter }) {
      await adapter.put(record('a'));
      for (const version of [1, 2]) {
        equal(await adapter.put(record('a', { data: version }), { expectedVersion: version }), true);
        deepEqual(await adapter.get('jobs', 'a'), {
          ...record('a', { data: version }),
          version: version + 1,
        });
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
      equal(await adapter.put(record('a', { data: 'early' }), { expectedVersion: 2 }), false);
      deepEqual(await adapter.get('jobs', 'a'), { ...record('a', { data: 'kept' }), version: 1 });
      equal(await adapter.put(record('b'), { expectedVersion: 1 }), false);
      equal(await adapter.get('jobs', 'b'), undefined);
    },
  },
  {
    rule: 'storage 19: delete with another expectedVersion deletes nothing and says false',
    async check({ adapter }) {
      await adapter.put(record('a'));
      await adapter.put(record('a'));
      for (const expectedVersion of [0, 1, 3]) {
        equal(await adapter.delete('jobs', 'a', { expectedVersion }), false);
        equal((await stored(adapter, 'a')).version, 2);
      }
    },
  },
  {
    rule: 'storage 20: delete with the stored version as expectedVersion deletes',
    async check({ adapter }) {
      await adapter.put(record('a'));
      equal(await adapter.delete('jobs', 'a', { expectedVersion: 1 }), true);
      equal(await adapter.get('jobs', 'a'), undefined);
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
];
