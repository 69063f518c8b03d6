import { deepEqual, equal, fail } from 'node:assert/strict';
import { ids, record, type StorageClause, stored, writeMixed } from './storage-samples.js';

const WRITERS = 20;

/** What holds between adapters of one store. */
export const sharingClauses: readonly StorageClause[] = [
  {
    rule: 'storage 35: what one adapter writes and deletes, another one sees',
    needs: ['shared'],
    async check({ adapter, another }) {
      const second = await another();
      for (const [here, there] of [
        [adapter, second],
        [second, adapter],
      ] as const) {
        equal(await there.get('jobs', 'a'), undefined);
        for (const version of [1, 2]) {
          await here.put(record('a', { data: version }));
          deepEqual(await there.get('jobs', 'a'), { ...record('a', { data: version }), version });
        }
        equal((await there.list('jobs', {})).items.length, 1);
        equal(await there.put(record('a', { data: 'third' }), { expectedVersion: 2 }), true);
        equal((await stored(here, 'a')).data, 'third');
        equal(await here.delete('jobs', 'a'), true);
      }
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
  {
    rule: 'storage 47: the cursor of one adapter serves another one',
    needs: ['shared'],
    async check({ adapter, another }) {
      await writeMixed(adapter);
      const cursor = (await adapter.list('jobs', { limit: 4 })).nextCursor ?? fail('no cursor');
      deepEqual(await ids(await another(), { cursor }), ['r1', 'r0']);
    },
  },
];
