import { deepEqual, equal } from 'node:assert/strict';
import { record, type StorageClause, stored } from './storage-samples.js';

const WRITERS = 20;

/** What holds between adapters of one store. */
export const sharingClauses: readonly StorageClause[] = [
  {
    rule: 'storage 35: what one adapter writes and deletes, another one sees',
    needs: ['shared'],
    async check({ adapter, another }) {
      const second = await another();
      await adapter.put(record('a', { data: 'first' }));
      deepEqual(await second.get('jobs', 'a'), { ...record('a', { data: 'first' }), version: 1 });
      equal(await second.put(record('a', { data: 'second' }), { expectedVersion: 1 }), true);
      equal((await stored(adapter, 'a')).data, 'second');
      equal((await adapter.list('jobs', {})).items.length, 1);
      await adapter.put(record('a', { data: 'third' }));
      equal((await stored(second, 'a')).data, 'third');
      equal(await second.delete('jobs', 'a'), true);
      equal(await adapter.get('jobs', 'a'), undefined);
    },
  },
  {
    rule: 'storage 36: of 20 puts with one expectedVersion through two adapters exactly one is written',
    needs: ['shared', 'atomic'],
    async check({ adapter, another }) {
      const adapters = [adapter, await another()];
      await adapter.put(record('a'));
      const writes = Array.from({ length: WRITERS }, (_, writer) =>
        (adapters[writer % 2] ?? adapter).put(record('a', { data: writer }), { expectedVersion: 1 }),
      );
      const results = await Promise.all(writes);
      equal(results.filter(Boolean).length, 1);
      equal((await stored(adapter, 'a')).data, results.indexOf(true));
    },
  },
  {
    rule: 'storage 37: records and their versions are there again after a close',
    needs: ['durable'],
    async check({ adapter, another, end }) {
      await adapter.put(record('a'));
      await adapter.put(record('a', { userId: 'user-1', data: 'kept' }));
      await end(adapter);
      const next = await another();
      const expected = { ...record('a', { userId: 'user-1', data: 'kept' }), version: 2 };
      deepEqual(await next.get('jobs', 'a'), expected);
      deepEqual((await next.list('jobs', { userId: 'user-1' })).items, [expected]);
    },
  },
];
