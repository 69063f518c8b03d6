import { equal, fail } from 'node:assert/strict';
import { record, type StorageClause } from './storage-samples.js';

/** Whether an adapter says that it works. */
export const healthClauses: readonly StorageClause[] = [
  {
    rule: 'storage 108: health resolves before the first write and after it, also twice at the same time',
    needs: ['health'],
    async check({ adapter }) {
      const health = async (): Promise<void> => (adapter.health ?? fail('no health()')).call(adapter);
      equal(await health(), undefined);
      await adapter.put(record('a'));
      await Promise.all([health(), health()]);
    },
  },
];
