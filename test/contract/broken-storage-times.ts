import type { StoredRecord } from '../../src/contracts/storage.js';
import { defined } from '../../src/internal/defined.js';
import type { StorageContractOptions } from '../../src/testing/contract/storage.js';
import { broken, listing } from './broken-storage.js';
import type { BrokenAdapter } from './prove-rules.js';

export function later(time: string | undefined, ms: number): string | undefined {
  return time === undefined ? undefined : new Date(Date.parse(time) + ms).toISOString();
}

function isExpired(record: StoredRecord | undefined): boolean {
  return record?.expiresAt !== undefined && record.expiresAt <= new Date().toISOString();
}

/** Each violates the one rule that it stands under. */
export const brokenStorageTimes: Readonly<Record<string, BrokenAdapter<StorageContractOptions>>> = {
  'storage 58': listing(async (inner, query) => {
    const page = await inner.list('jobs', query);
    return { ...page, items: page.items.map(({ expiresAt: _expiresAt, ...item }) => item) };
  }),
  'storage 59': broken((inner) => ({
    async put(record, condition) {
      const copy = structuredClone(record);
      if (condition !== undefined || copy.expiresAt !== undefined) return inner.put(copy, condition);
      const expiresAt = (await inner.get(record.collection, record.id))?.expiresAt;
      return inner.put({ ...copy, ...defined({ expiresAt }) });
    },
  })),
  'storage 60': broken((inner) => ({
    async get(collection, id) {
      const record = await inner.get(collection, id);
      return isExpired(record) ? undefined : record;
    },
  })),
  'storage 61': listing((inner, { createdFrom, ...query }) =>
    inner.list('jobs', { ...query, ...defined({ createdFrom: later(createdFrom, 1) }) }),
  ),
  'storage 62': listing((inner, { createdBefore, ...query }) =>
    inner.list('jobs', { ...query, ...defined({ createdBefore: later(createdBefore, 1) }) }),
  ),
  'storage 63': listing((inner, { createdBefore, ...query }) =>
    inner.list(
      'jobs',
      createdBefore === undefined || query.createdFrom !== undefined ? query : { ...query, createdBefore },
    ),
  ),
  'storage 64': listing((inner, { createdFrom, ...query }) =>
    inner.list(
      'jobs',
      createdFrom === undefined || (query.userId !== undefined && query.status !== undefined)
        ? query
        : { ...query, createdFrom },
    ),
  ),
  'storage 65': listing((inner, { createdFrom, ...query }) =>
    inner.list(
      'jobs',
      createdFrom === undefined || query.cursor !== undefined ? query : { ...query, createdFrom },
    ),
  ),
};
