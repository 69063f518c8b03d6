import type { PurgeQuery, StorageCollection } from '../../src/contracts/storage.js';
import { StorageError } from '../../src/errors/index.js';
import { isIsoTime, isStorable } from '../../src/records/record.js';
import type { StorageContractOptions } from '../../src/testing/contract/storage.js';
import { brokenMember, type FullStorage, shared } from './broken-storage.js';
import { later } from './broken-storage-times.js';
import type { BrokenAdapter } from './prove-rules.js';

const FILTERS = ['userId', 'statuses', 'createdBefore', 'expiredBy'];
const TIMES = ['createdBefore', 'expiredBy'] as const;

/** A storage that purges by another query. */
function purging(change: (query: PurgeQuery) => PurgeQuery) {
  return brokenMember((inner) => ({
    purge: async (collection, query) => inner.purge(collection, change(query)),
  }));
}

/** A storage that does something more with each purge. */
function afterPurge(
  more: (inner: FullStorage, collection: StorageCollection, query: PurgeQuery) => Promise<unknown>,
) {
  return brokenMember((inner) => ({
    async purge(collection, query) {
      const count = await inner.purge(collection, query);
      await more(inner, collection, query);
      return count;
    },
  }));
}

function only(query: PurgeQuery, isKept: (name: string, value: unknown) => boolean): PurgeQuery {
  return Object.fromEntries(Object.entries(query).filter(([name, value]) => isKept(name, value)));
}

function moved(query: PurgeQuery, name: (typeof TIMES)[number], ms: number): PurgeQuery {
  const time = query[name];
  return isIsoTime(time) ? { ...query, [name]: later(time, ms) } : query;
}

function normalized({ ...query }: PurgeQuery): PurgeQuery {
  const isTime = (text: unknown): boolean => !Number.isNaN(Date.parse(String(text)));
  for (const name of TIMES.filter((time) => isTime(query[time]))) {
    Object.assign(query, { [name]: later(query[name], 0) });
  }
  return query;
}

/** Each violates the one rule that it stands under. */
export const brokenStoragePurges: Readonly<Record<string, BrokenAdapter<StorageContractOptions>>> = {
  'storage 90': purging((query) => moved(query, 'createdBefore', 1)),
  'storage 91': purging((query) => moved(query, 'expiredBy', -1)),
  'storage 92': afterPurge(async (inner, collection, query) => {
    if (Object.keys(query).join() !== 'expiredBy') return;
    for (const { id, expiresAt } of (await inner.list(collection, {})).items) {
      if (expiresAt === undefined) await inner.delete(collection, id);
    }
  }),
  'storage 93': purging((query) =>
    query.statuses === undefined ? query : { ...query, statuses: query.statuses.slice(0, 1) },
  ),
  'storage 94': purging((query) => only(query, (name, value) => name !== 'userId' || value !== '')),
  'storage 95': purging((query) =>
    query.userId !== undefined && query.createdBefore !== undefined
      ? only(query, (name) => name !== 'expiredBy')
      : query,
  ),
  'storage 96': afterPurge(async (inner, collection, query) => {
    if (collection === 'transcripts') await inner.purge('outbox', query);
  }),
  'storage 97': brokenMember((inner) => {
    const purged = new Map<string, Awaited<ReturnType<typeof inner.get>>>();
    return {
      get: async (collection, id) => (await inner.get(collection, id)) ?? structuredClone(purged.get(id)),
      async purge(collection, query) {
        const copy = structuredClone(query);
        const { items } = await inner.list(collection, {});
        const count = await inner.purge(collection, copy);
        for (const item of items) {
          if ((await inner.get(collection, item.id)) === undefined) purged.set(item.id, item);
        }
        return count;
      },
    };
  }),
  'storage 98': brokenMember((inner) => ({
    purge: async (collection, query) => Math.min(await inner.purge(collection, query), 1),
  })),
  // Takes one page of them.
  'storage 99': brokenMember((inner) => ({
    async purge(collection, query) {
      const copy = structuredClone(query);
      const { items, nextCursor } = await inner.list(collection, { limit: 1000 });
      if (nextCursor === undefined) return inner.purge(collection, copy);
      for (const { id } of items) await inner.delete(collection, id);
      return items.length;
    },
  })),
  'storage 100': brokenMember((inner) => ({
    async purge(collection, query) {
      const texts = [query.userId ?? '', ...(query.statuses ?? [])];
      if (texts.every(isStorable)) return inner.purge(collection, query);
      throw new StorageError('No text for this back end.', { code: 'storage_failed' });
    },
  })),
  'storage 101': brokenMember((inner) => ({
    async purge(collection, query) {
      await Promise.resolve();
      return inner.purge(collection, query);
    },
  })),
  'storage 103': purging((query) =>
    TIMES.some((name) => name in query) ? query : { ...query, createdBefore: '9999-01-01T00:00:00.000Z' },
  ),
  'storage 104': purging((query) => only(query, (name) => FILTERS.includes(name))),
  'storage 105': purging((query) => only(query, (_name, value) => value !== undefined)),
  'storage 106': purging((query) =>
    only(query, (name) => name !== 'statuses' || query.statuses?.length !== 0),
  ),
  'storage 107': purging(normalized),
  'storage 108': brokenMember(() => ({
    async health() {
      throw new StorageError('Not well.', { code: 'storage_unavailable' });
    },
  })),
};

const seen = new WeakSet<FullStorage>();

/** What it violates holds between adapters of one store. */
export const brokenSharedPurges: Readonly<Record<string, BrokenAdapter<StorageContractOptions>>> = {
  // Only the first adapter on a store deletes.
  'storage 102': shared((inner) => {
    const isFirst = !seen.has(inner);
    seen.add(inner);
    return {
      purge: async (collection, query) =>
        isFirst ? inner.purge(collection, query) : (await inner.list(collection, query)).items.length,
    };
  }),
};
