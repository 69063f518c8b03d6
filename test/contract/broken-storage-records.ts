import type { StoredRecord } from '../../src/contracts/storage.js';
import { isStorableId } from '../../src/records/record.js';
import type { StorageContractOptions } from '../../src/testing/contract/storage.js';
import { broken, inFlight } from './broken-storage.js';
import type { BrokenAdapter } from './prove-rules.js';

function stripNulls(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return data;
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));
}

function isRefused(data: unknown): boolean {
  try {
    JSON.stringify(data);
    return false;
  } catch {
    return true;
  }
}

function datesAsNumbers(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || Array.isArray(data) || isRefused(data)) return data;
  const fields = Object.entries(data);
  if (!fields.some(([, value]) => value instanceof Date)) return data;
  return Object.fromEntries(
    fields.map(([key, value]) => [key, value instanceof Date ? Number(value) : value]),
  );
}

function parsedTwice(data: unknown): unknown {
  try {
    return typeof data === 'string' ? JSON.parse(data) : data;
  } catch {
    return data;
  }
}

/** Each violates the one rule that it stands under. */
export const brokenStorageRecords: Readonly<Record<string, BrokenAdapter<StorageContractOptions>>> = {
  'storage 1': broken(() => ({ capabilities: { shared: false, durable: false, atomic: false } })),
  'storage 2': broken((inner) => {
    const seen = new Set<string>();
    return {
      put: (record, condition) => {
        seen.add(record.id);
        return inner.put(record, condition);
      },
      get: async (collection, id) =>
        seen.has(id) || !isStorableId(id) ? inner.get(collection, id) : (null as unknown as undefined),
    };
  }),
  'storage 3': broken((inner) => ({
    put: (record, condition) => inner.put({ ...record, data: stripNulls(record.data) }, condition),
  })),
  'storage 4': broken((inner) => ({
    async put(record, condition) {
      await Promise.resolve();
      return inner.put(record, condition);
    },
  })),
  'storage 5': broken((inner) => {
    const cache = new Map<string, StoredRecord>();
    return {
      async get(collection, id) {
        const record = await inner.get(collection, id);
        const key = `${collection} ${id} ${record?.version} ${JSON.stringify(record)}`;
        if (record !== undefined && !cache.has(key)) cache.set(key, record);
        return cache.get(key);
      },
    };
  }),
  'storage 7': broken((inner) => ({
    async put(record, condition) {
      const copy = structuredClone(record);
      if (condition !== undefined || copy.userId !== undefined) return inner.put(copy, condition);
      const userId = (await inner.get(record.collection, record.id))?.userId;
      return inner.put(userId === undefined ? copy : { ...copy, userId });
    },
  })),
  'storage 8': broken((inner) => ({
    delete: async (collection, id, condition) =>
      (await inner.delete(collection, id, condition)) || (condition === undefined && isStorableId(id)),
  })),
  'storage 9': broken((inner) => {
    const before = new Map<string, number>();
    return {
      async get(collection, id) {
        const record = await inner.get(collection, id);
        return record && { ...record, version: record.version + (before.get(id) ?? 0) };
      },
      async delete(collection, id, condition) {
        const version = (await inner.get(collection, id))?.version ?? 0;
        before.set(id, version);
        return inner.delete(collection, id, condition).then((deleted) => {
          if (!deleted) before.delete(id);
          return deleted;
        });
      },
    };
  }),
  'storage 10': broken((inner) => ({
    get: (_collection, id) => inner.get('jobs', id),
    put: (record, condition) => inner.put({ ...record, collection: 'jobs' }, condition),
    delete: (_collection, id, condition) => inner.delete('jobs', id, condition),
  })),
  'storage 11': broken((inner) => ({
    get: (collection, id) => inner.get(collection, id.toLowerCase()),
    put: (record, condition) => inner.put({ ...record, id: record.id.toLowerCase() }, condition),
    delete: (collection, id, condition) => inner.delete(collection, id.toLowerCase(), condition),
  })),
  'storage 12': broken((inner) => ({
    put: async (record, condition) => {
      const large = JSON.stringify(record.data).length > 500_000;
      return inner.put(large ? { ...record, data: 'too large' } : record, condition);
    },
  })),
  'storage 13': broken((inner) => {
    const track = inFlight();
    return { put: (...args) => track(async (others) => (others() > 30 ? true : inner.put(...args))) };
  }),
  'storage 6': broken((inner) => ({
    async put(record, condition) {
      const copy = isRefused(record.data) ? record : structuredClone(record);
      const version = (await inner.get(record.collection, record.id))?.version ?? 0;
      if (condition !== undefined || version < 2) return inner.put(copy, condition);
      await inner.delete(record.collection, record.id);
      await inner.put(copy);
      return inner.put(copy);
    },
  })),
  'storage 38': broken((inner) => ({
    put: (record, condition) => inner.put({ ...record, data: datesAsNumbers(record.data) }, condition),
  })),
  'storage 39': broken((inner) => ({
    put: (record, condition) =>
      inner.put(isRefused(record.data) ? { ...record, data: null } : record, condition),
  })),
  'storage 40': broken((inner) => ({
    put: (record, condition) => inner.put({ ...record, data: parsedTwice(record.data) }, condition),
  })),
};
