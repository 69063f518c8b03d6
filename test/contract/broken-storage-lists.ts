import type { ListQuery } from '../../src/contracts/storage.js';
import { StorageError } from '../../src/errors/index.js';
import { isStorable } from '../../src/records/record.js';
import type { StorageContractOptions } from '../../src/testing/contract/storage.js';
import { broken, listing, nextTurn, oneByOne, paging, shared } from './broken-storage.js';
import type { BrokenAdapter } from './prove-rules.js';

function hasTimes({ createdFrom, createdBefore }: ListQuery): boolean {
  return createdFrom !== undefined || createdBefore !== undefined;
}

/** Each violates the one rule that it stands under. */
export const brokenStorageLists: Readonly<Record<string, BrokenAdapter<StorageContractOptions>>> = {
  // In the order of their first writes.
  'storage 24': broken((inner) => {
    const written: string[] = [];
    return {
      put(record, condition) {
        if (!written.includes(record.id)) written.unshift(record.id);
        return inner.put(record, condition);
      },
      async list(collection, query) {
        const page = await inner.list(collection, query);
        const items = [...page.items];
        items.sort((left, right) => written.indexOf(left.id) - written.indexOf(right.id));
        return { ...page, items };
      },
    };
  }),
  'storage 25': listing(async (inner, query) => {
    const page = await inner.list('jobs', query);
    return { ...page, items: page.items.map((item) => ({ ...item, version: 1 })) };
  }),
  'storage 26': listing((inner, { userId, ...query }) =>
    inner.list('jobs', userId === undefined || userId.includes("' OR") ? query : { ...query, userId }),
  ),
  'storage 27': listing((inner, { status, ...query }) =>
    inner.list('jobs', status === undefined || status === 'nothing' ? query : { ...query, status }),
  ),
  'storage 28': listing((inner, { status, ...query }) =>
    inner.list(
      'jobs',
      status === undefined || (query.userId !== undefined && isStorable(status) && !hasTimes(query))
        ? query
        : { ...query, status },
    ),
  ),
  'storage 29': listing((inner, query) => inner.list('jobs', { limit: 50, ...query })),
  'storage 30': listing(async (inner, query) => {
    if (query.cursor === 'the end') return { items: [] };
    const page = await inner.list('jobs', query);
    const full = page.items.length === query.limit;
    return full ? { nextCursor: 'the end', ...page } : page;
  }),
  'storage 31': paging(
    (items) => items.at(-1)?.createdAt ?? '',
    (cursor) => (item) => item.createdAt < cursor,
  ),
  'storage 32': paging(
    (items, before) => [before, ...items.map(({ id }) => id)].join(),
    (cursor) => {
      const seen = new Set(cursor.split(','));
      return ({ id }) => !seen.has(id);
    },
  ),
  'storage 33': listing((inner, { cursor, ...query }) =>
    inner.list('jobs', cursor === undefined || cursor.length < 40 ? query : { ...query, cursor }),
  ),
  'storage 34': broken((inner) => ({
    list: (collection, query) =>
      collection === 'jobs' ? inner.list(collection, query) : Promise.resolve({ items: [] }),
  })),
  'storage 43': broken((inner) => {
    const rewritten: string[] = [];
    return {
      async put(record, condition) {
        const written = await inner.put(record, condition);
        const version = (await inner.get(record.collection, record.id))?.version ?? 0;
        if (written && version > 1) rewritten.unshift(record.id);
        return written;
      },
      async list(collection, query) {
        const page = await inner.list(collection, query);
        const first = page.items.filter(({ id }) => rewritten.includes(id));
        first.sort((left, right) => rewritten.indexOf(left.id) - rewritten.indexOf(right.id));
        return { ...page, items: [...first, ...page.items.filter((item) => !first.includes(item))] };
      },
    };
  }),
  'storage 44': paging(
    (items) => items.at(-1)?.id ?? '',
    (cursor) => {
      let found = false;
      return ({ id }) => {
        const older = found;
        found ||= id === cursor;
        return older;
      };
    },
  ),
  'storage 45': listing((inner, query) => {
    const { limit = 100, cursor } = query;
    return inner.list('jobs', cursor === undefined || hasTimes(query) ? query : { limit, cursor });
  }),
  // Keeps the place of each cursor until it is used.
  'storage 46': broken((inner) => {
    const places = new Map<string, string>();
    let count = 0;
    return {
      async list(collection, { cursor, ...query }) {
        const place = cursor === undefined ? undefined : (places.get(cursor) ?? 'used');
        places.delete(cursor ?? '');
        const page = await inner.list(collection, place === undefined ? query : { ...query, cursor: place });
        if (page.nextCursor === undefined) return page;
        count += 1;
        places.set(`place ${count}`, page.nextCursor);
        return { ...page, nextCursor: `place ${count}` };
      },
    };
  }),
};

/** What they violate holds between adapters of one store. */
export const brokenSharedStorages: Readonly<Record<string, BrokenAdapter<StorageContractOptions>>> = {
  // Remembers what it has read.
  'storage 35': shared((inner) => {
    const seen = new Map<string, ReturnType<typeof inner.get>>();
    return {
      async get(collection, id) {
        const key = `${collection} ${id}`;
        const found = seen.get(key) ?? inner.get(collection, id);
        seen.set(key, found);
        return structuredClone(await found);
      },
      put(record, condition) {
        seen.delete(`${record.collection} ${record.id}`);
        return inner.put(record, condition);
      },
      delete(collection, id, condition) {
        seen.delete(`${collection} ${id}`);
        return inner.delete(collection, id, condition);
      },
    };
  }, []),
  // Each adapter locks for itself.
  'storage 36': shared((inner) => {
    const inTurn = oneByOne();
    return {
      put(record, condition) {
        if (condition === undefined || condition.expectedVersion === 0) return inner.put(record, condition);
        const copy = structuredClone(record);
        return inTurn(async () => {
          const version = (await inner.get(record.collection, record.id))?.version;
          await nextTurn();
          return version === condition.expectedVersion && inner.put(copy);
        });
      },
    };
  }, []),
  'storage 37': shared(
    (inner) => ({
      async close() {
        for (const { id } of (await inner.list('jobs', {})).items) await inner.delete('jobs', id);
      },
    }),
    [],
  ),
  'storage 47': shared((inner) => {
    const prefix = `${globalThis.crypto.randomUUID()} `;
    return {
      async list(collection, { cursor, ...query }) {
        if (cursor?.startsWith(prefix) === false) {
          throw new StorageError('No cursor of this adapter.', { code: 'invalid_option' });
        }
        const rest = cursor === undefined ? query : { ...query, cursor: cursor.slice(prefix.length) };
        const { items, nextCursor } = await inner.list(collection, rest);
        return nextCursor === undefined ? { items } : { items, nextCursor: prefix + nextCursor };
      },
    };
  }),
};
