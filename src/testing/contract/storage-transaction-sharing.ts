import { deepEqual, equal } from 'node:assert/strict';
import { checking, deleting, everything, putting, transact } from './storage-changes.js';
import { record, type StorageClause, second, stored } from './storage-samples.js';
import { bothOrdersAreMade, exactlyOneIsMade } from './storage-transaction-conflicts.js';

/** Transactions of several adapters on one store, and of one that is opened again. */
export const transactionSharingClauses: readonly StorageClause[] = [
  {
    rule: 'storage 86: a check holds for what another adapter wrote, and not for what it wrote over',
    needs: ['transact', 'shared'],
    async check({ adapter, another }) {
      const other = await another();
      await adapter.put(record('job'));
      let version = 1;
      for (const [here, there] of [
        [adapter, other],
        [other, adapter],
      ] as const) {
        equal((await stored(there, 'job')).version, version);
        equal(await transact(here, [putting(record('job'), version), putting(record('a'))]), true);
        const before = await everything(here);
        deepEqual(await everything(there), before);
        equal(await transact(there, [putting(record('a')), checking('job', version)]), false);
        deepEqual(await everything(here), before);
        version += 1;
        equal(await transact(there, [putting(record('a')), checking('job', version)]), true);
      }
    },
  },
  {
    rule: 'storage 87: of 20 transactions with one expectedVersion through two adapters exactly one is made',
    needs: ['transact', 'shared'],
    async check({ adapter, another }) {
      const other = await another();
      await exactlyOneIsMade((writer) => (writer % 2 === 0 ? adapter : other));
    },
  },
  {
    rule: 'storage 88: transactions of two adapters that write two records in opposite orders are all made',
    needs: ['transact', 'shared'],
    async check({ adapter, another }) {
      const other = await another();
      await bothOrdersAreMade((writer) => (writer % 2 === 0 ? adapter : other));
    },
  },
  {
    rule: 'storage 89: what a transaction has written and deleted stays so after a close',
    needs: ['transact', 'durable'],
    async check({ adapter, another, end }) {
      const written = record('a', { userId: 'user-1', expiresAt: second(9), data: 'kept' });
      await adapter.put(record('a'));
      await adapter.put(record('b'));
      const changes = [putting(written), deleting('b'), putting(record('t', { collection: 'transcripts' }))];
      equal(await transact(adapter, changes), true);
      await end(adapter);
      deepEqual(await everything(await another()), [
        { ...record('t', { collection: 'transcripts' }), version: 1 },
        { ...written, version: 2 },
      ]);
    },
  },
];
