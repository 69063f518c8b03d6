import { deepEqual, equal, fail } from 'node:assert/strict';
import type { PurgeQuery, RecordInput, StorageAdapter, StorageCollection } from '../../contracts/storage.js';
import { COLLECTIONS, everything, manyRecords, writeAll } from './storage-changes.js';
import {
  ids,
  millisecond,
  record,
  type StorageClause,
  second,
  stored,
  UNSTORABLE,
  writeMixed,
} from './storage-samples.js';

/** After all records of these rules. */
export const LATE = '2027-01-01T00:00:00.000Z';

/** What a purge takes away, and what it leaves. */
export const purgeClauses: readonly StorageClause[] = [
  {
    rule: 'storage 90: purge with createdBefore takes away what was created before that millisecond',
    needs: ['purge'],
    async check({ adapter }) {
      for (const at of [0, 1, 2, 3]) {
        await adapter.put(record(`r${at}`, { createdAt: millisecond(at), expiresAt: second(0) }));
      }
      await purge(adapter, { createdBefore: millisecond(0) });
      deepEqual(await ids(adapter, {}), ['r3', 'r2', 'r1', 'r0']);
      await purge(adapter, { createdBefore: millisecond(2) });
      deepEqual(await ids(adapter, {}), ['r3', 'r2']);
    },
  },
  {
    rule: 'storage 91: purge with expiredBy takes away what expires at that millisecond or before it',
    needs: ['purge'],
    async check({ adapter }) {
      for (const at of [0, 1, 2, 3]) {
        await adapter.put(record(`r${at}`, { createdAt: second(9 - at), expiresAt: millisecond(at) }));
      }
      await purge(adapter, { expiredBy: millisecond(1) });
      deepEqual(await ids(adapter, {}), ['r2', 'r3']);
    },
  },
  {
    rule: 'storage 92: purge with expiredBy leaves records without expiresAt',
    needs: ['purge'],
    async check({ adapter }) {
      await adapter.put(record('a', { expiresAt: second(1) }));
      await adapter.put(record('a'));
      await adapter.put(record('b'));
      await purge(adapter, { expiredBy: LATE });
      deepEqual((await ids(adapter, {})).sort(), ['a', 'b']);
    },
  },
  {
    rule: 'storage 93: purge with statuses takes away the records with any of them and no others',
    needs: ['purge'],
    async check({ adapter }) {
      const names = ['queued', 'active', 'completed', 'failed', 'FAILED', 'fail%', '_ailed'];
      await writeAll(
        adapter,
        names.map((status) => record(status, { status })),
      );
      await purge(adapter, { createdBefore: LATE, statuses: ['fail%', '_ailed', 'fail', 'completed'] });
      deepEqual((await ids(adapter, {})).sort(), ['FAILED', 'active', 'failed', 'queued']);
      await purge(adapter, { createdBefore: LATE, statuses: ['failed'] });
      deepEqual((await ids(adapter, {})).sort(), ['FAILED', 'active', 'queued']);
    },
  },
  {
    rule: 'storage 94: purge with userId takes away the records of that user and no others',
    needs: ['purge'],
    async check({ adapter }) {
      await writeMixed(adapter);
      await adapter.put(record('nobody', { createdAt: second(9) }));
      for (const userId of ['', 'OD', 'ODD', 'od%', '_dd', 'undefined', 'null', "' OR 1=1 --"]) {
        await purge(adapter, { createdBefore: LATE, userId });
        equal((await ids(adapter, {})).length, 7, userId);
      }
      await purge(adapter, { createdBefore: LATE, userId: 'odd' });
      deepEqual(await ids(adapter, {}), ['nobody', 'r4', 'r2', 'r0']);
    },
  },
  {
    rule: 'storage 95: purge takes away only what fits all of its filters',
    needs: ['purge'],
    async check({ adapter }) {
      const fit = { userId: 'user-1', status: 'failed', createdAt: second(1), expiresAt: second(5) };
      const records = [
        record('fits', fit),
        record('too young', { ...fit, createdAt: second(3) }),
        record('expires later', { ...fit, expiresAt: second(7) }),
        record('of another status', { ...fit, status: 'active' }),
        record('of another user', { ...fit, userId: 'user-2' }),
        record('of nobody', { status: 'failed', createdAt: second(1), expiresAt: second(5) }),
        record('expires never', { userId: 'user-1', status: 'failed', createdAt: second(1) }),
      ];
      await writeAll(adapter, records);
      const times = { createdBefore: second(2), expiredBy: second(6) };
      await purge(adapter, { ...times, userId: 'user-1', statuses: ['failed', 'completed'] });
      deepEqual(
        (await ids(adapter, {})).sort(),
        records
          .slice(1)
          .map(({ id }) => id)
          .sort(),
      );
    },
  },
  {
    rule: 'storage 96: purge leaves the other collections as they are',
    needs: ['purge'],
    async check({ adapter }) {
      for (const collection of COLLECTIONS) {
        await adapter.put(record('a', { collection, expiresAt: second(1) }));
      }
      for (const [index, collection] of COLLECTIONS.entries()) {
        await purge(adapter, { createdBefore: LATE, expiredBy: LATE }, collection);
        const left = (await everything(adapter)).map((one) => one.collection);
        deepEqual(left, COLLECTIONS.slice(index + 1));
      }
    },
  },
  {
    rule: 'storage 97: of a purged record nothing is left, and a write of it begins at version 1',
    needs: ['purge'],
    async check({ adapter }) {
      for (const data of ['first', 'second']) await adapter.put(record('a', { data }));
      await purge(adapter, { createdBefore: LATE });
      equal(await adapter.get('jobs', 'a'), undefined);
      deepEqual((await adapter.list('jobs', {})).items, []);
      equal(await adapter.delete('jobs', 'a'), false);
      equal(await adapter.put(record('a'), { expectedVersion: 2 }), false);
      equal(await adapter.put(record('a'), { expectedVersion: 0 }), true);
      deepEqual(await adapter.get('jobs', 'a'), { ...record('a'), version: 1 });
    },
  },
  {
    rule: 'storage 98: purge resolves to the number of records that it took away',
    needs: ['purge'],
    async check({ adapter }) {
      equal(await purge(adapter, { createdBefore: LATE }), 0);
      await writeMixed(adapter);
      equal(await purge(adapter, { createdBefore: second(1.5) }), 2);
      equal(await purge(adapter, { createdBefore: second(1.5) }), 0);
      equal(await purge(adapter, { createdBefore: LATE }), 4);
    },
  },
  {
    rule: 'storage 99: purge takes away more records than a page of a list holds',
    needs: ['purge'],
    async check({ adapter }) {
      // More than the largest page where that takes few steps, and else than a page of which no limit was named.
      const records = manyRecords(adapter.transact === undefined ? 250 : 1200);
      await writeAll(
        adapter,
        records.map((one): RecordInput => ({ ...one, userId: 'user-1' })),
      );
      await adapter.put(record('kept', { userId: 'user-2' }));
      await purge(adapter, { createdBefore: LATE, userId: 'user-1' });
      deepEqual(await ids(adapter, {}), ['kept']);
    },
  },
  {
    rule: 'storage 100: purge with a userId or status that no record can have leaves all records',
    needs: ['purge'],
    async check({ adapter }) {
      for (const [index, text] of ['a', 'b', 'a\ufffd', '\ufffd'].entries()) {
        await adapter.put(record(`r${index}`, { userId: text, status: text }));
      }
      for (const text of UNSTORABLE) {
        await purge(adapter, { createdBefore: LATE, userId: text });
        await purge(adapter, { createdBefore: LATE, statuses: [text] });
      }
      equal((await ids(adapter, {})).length, 4);
      await purge(adapter, { createdBefore: LATE, statuses: ['b', ...UNSTORABLE] });
      deepEqual((await ids(adapter, {})).sort(), ['r0', 'r2', 'r3']);
    },
  },
  {
    rule: 'storage 101: changing the query of a purge after the call changes nothing',
    needs: ['purge'],
    async check({ adapter }) {
      const statuses = ['failed'];
      const query = { createdBefore: second(2), statuses };
      await writeAll(adapter, [
        record('a', { status: 'failed' }),
        record('b', { status: 'active' }),
        record('c', { status: 'failed', createdAt: second(3) }),
      ]);
      const purged = purge(adapter, query);
      statuses.push('active');
      query.createdBefore = LATE;
      await purged;
      deepEqual(await ids(adapter, {}), ['c', 'b']);
    },
  },
  {
    rule: 'storage 102: what one adapter purges, another one no longer sees',
    needs: ['purge', 'shared'],
    async check({ adapter, another }) {
      const other = await another();
      for (const [here, there] of [
        [adapter, other],
        [other, adapter],
      ] as const) {
        await here.put(record('a'));
        equal((await stored(there, 'a')).version, 1);
        await purge(there, { createdBefore: LATE });
        equal(await here.get('jobs', 'a'), undefined);
        deepEqual(await ids(here, {}), []);
      }
    },
  },
];

export function purge(
  adapter: StorageAdapter,
  query: PurgeQuery,
  collection: StorageCollection = 'jobs',
): Promise<number> {
  return adapter.purge?.(collection, query) ?? fail('the adapter has no purge()');
}
