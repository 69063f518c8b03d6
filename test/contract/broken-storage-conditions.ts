import { isStorableId } from '../../src/records/record.js';
import type { StorageContractOptions } from '../../src/testing/contract/storage.js';
import { broken, inFlight, nextTurn } from './broken-storage.js';
import type { BrokenAdapter } from './prove-rules.js';

/** Looks first and writes later where other writes are going on, for the conditions that `racy` names. */
function racyPut(racy: (expectedVersion: number) => boolean) {
  return broken((inner) => {
    const track = inFlight();
    return {
      put(record, condition) {
        if (condition === undefined || !racy(condition.expectedVersion)) return inner.put(record, condition);
        const copy = structuredClone(record);
        return track(async (others) => {
          await nextTurn();
          if (others() === 0) return inner.put(copy, condition);
          const version = (await inner.get(record.collection, record.id))?.version ?? 0;
          await nextTurn();
          return version === condition.expectedVersion && inner.put(copy);
        });
      },
    };
  });
}

/** Each violates the one rule that it stands under. */
export const brokenStorageConditions: Readonly<Record<string, BrokenAdapter<StorageContractOptions>>> = {
  'storage 14': broken((inner) => {
    const deleted = new Set<string>();
    return {
      put: async (record, condition) =>
        condition?.expectedVersion === 0 && deleted.has(record.id) ? false : inner.put(record, condition),
      delete(collection, id, condition) {
        deleted.add(id);
        return inner.delete(collection, id, condition);
      },
    };
  }),
  'storage 15': broken((inner) => ({
    async put(record, condition) {
      const written = await inner.put(record, condition);
      const before = await inner.get(record.collection, record.id);
      if (!written && condition?.expectedVersion === 0 && before !== undefined) await inner.put(before);
      return written;
    },
  })),
  'storage 16': broken((inner) => ({
    async put(record, condition) {
      if (condition === undefined) return inner.put(record);
      const status = (await inner.get(record.collection, record.id))?.status ?? record.status;
      return inner.put({ ...record, status }, condition);
    },
  })),
  'storage 17': broken((inner) => {
    const track = inFlight();
    return {
      put: (record, condition) =>
        track(async (others) => {
          const written = await inner.put(record, condition);
          const version = (await inner.get(record.collection, record.id))?.version ?? 0;
          const expected = condition?.expectedVersion ?? 0;
          if (!written && others() === 0 && expected > 0 && expected < version) await inner.put(record);
          return written;
        }),
    };
  }),
  'storage 18': broken((inner) => ({
    async put(record, condition) {
      const copy = structuredClone(record);
      const version = (await inner.get(record.collection, record.id))?.version ?? 0;
      const isEarly = condition !== undefined && version > 0 && condition.expectedVersion > version;
      return inner.put(copy, isEarly ? undefined : condition);
    },
  })),
  'storage 19': broken((inner) => ({
    async delete(collection, id, condition) {
      const version = (await inner.get(collection, id))?.version ?? 0;
      const isEarly = condition !== undefined && condition.expectedVersion > version;
      return inner.delete(collection, id, isEarly ? undefined : condition);
    },
  })),
  'storage 21': racyPut((expectedVersion) => expectedVersion > 0),
  'storage 22': racyPut((expectedVersion) => expectedVersion === 0),
  'storage 23': broken((inner) => {
    const track = inFlight();
    return {
      delete: (collection, id, condition) =>
        track(async (others) => {
          await nextTurn();
          if (others() === 0) return inner.delete(collection, id, condition);
          const version = (await inner.get(collection, id))?.version;
          await nextTurn();
          await inner.delete(collection, id, condition);
          return version === condition?.expectedVersion;
        }),
    };
  }),
  'storage 20': broken((inner) => {
    const ghosts: Awaited<ReturnType<typeof inner.get>>[] = [];
    return {
      async delete(collection, id, condition) {
        const record = await inner.get(collection, id);
        const deleted = await inner.delete(collection, id, condition);
        if (deleted && condition !== undefined) ghosts.push(record);
        return deleted;
      },
      async list(collection, query) {
        const page = await inner.list(collection, query);
        return { ...page, items: [...page.items, ...ghosts.filter((ghost) => ghost !== undefined)] };
      },
    };
  }),
  'storage 41': broken((inner) => ({
    delete: async (collection, id, condition) =>
      (await inner.delete(collection, id, condition)) ||
      (condition?.expectedVersion === 0 &&
        isStorableId(id) &&
        (await inner.get(collection, id)) === undefined),
  })),
  'storage 42': broken((inner) => ({
    async delete(collection, id, condition) {
      const version = (await inner.get(collection, id))?.version;
      await nextTurn();
      if (condition !== undefined && condition.expectedVersion !== version) return false;
      return inner.delete(collection, id);
    },
  })),
};
