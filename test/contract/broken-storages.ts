import { createMemoryStorage } from '../../src/adapters/memory/index.js';
import type {
  ListQuery,
  RecordInput,
  StorageAdapter,
  StoredRecord,
  WriteCondition,
} from '../../src/contracts/storage.js';
import { StorageError } from '../../src/errors/index.js';

type Changes = (inner: StorageAdapter) => Partial<StorageAdapter>;

function broken(changes: Changes): () => StorageAdapter {
  return () => {
    const inner = createMemoryStorage();
    return {
      capabilities: inner.capabilities,
      get: (...args) => inner.get(...args),
      put: (...args) => inner.put(...args),
      list: (...args) => inner.list(...args),
      delete: (...args) => inner.delete(...args),
      ...changes(inner),
    };
  };
}

function listing(change: (inner: StorageAdapter, query: ListQuery) => ReturnType<StorageAdapter['list']>) {
  return broken((inner) => ({
    list: (collection, query) =>
      collection === 'jobs' ? change(inner, query) : inner.list(collection, query),
  }));
}

/** Pages whose cursor is a text that `after` understands, over all that fits the filters. */
function paging(
  cursorOf: (items: StoredRecord[], end: number) => string,
  after: (cursor: string) => (item: StoredRecord, index: number) => boolean,
) {
  return listing(async (inner, { limit = 100, cursor, ...filters }) => {
    if (cursor !== undefined && !cursor.startsWith('jobs@')) {
      throw new StorageError('No cursor.', { code: 'invalid_option' });
    }
    const all = [...(await inner.list('jobs', { ...filters, limit: 1000 })).items];
    const rest = cursor === undefined ? all : all.filter(after(cursor.slice('jobs@'.length)));
    const items = rest.slice(0, limit);
    if (rest.length <= limit) return { items };
    return { items, nextCursor: `jobs@${cursorOf(items, all.indexOf(items.at(-1) as StoredRecord) + 1)}` };
  });
}

/** Looks first and writes later, for the conditions that `racy` names. */
function racyPut(racy: (expectedVersion: number) => boolean) {
  return broken((inner) => ({
    async put(record, condition) {
      if (condition === undefined || !racy(condition.expectedVersion)) return inner.put(record, condition);
      const copy = structuredClone(record);
      const version = (await inner.get(record.collection, record.id))?.version ?? 0;
      await new Promise((resolve) => setImmediate(resolve));
      return version === condition.expectedVersion && inner.put(copy);
    },
  }));
}

function stripNulls(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));
}

/** Counts the calls that have not ended. */
function inFlight() {
  let count = 0;
  return async <Value>(run: (others: number) => Promise<Value>): Promise<Value> => {
    count += 1;
    try {
      return await run(count - 1);
    } finally {
      count -= 1;
    }
  };
}

const moment = '2026-01-01T00:00:00.000Z';
const wrap = (record: RecordInput): RecordInput => ({
  ...record,
  createdAt: moment,
  data: { createdAt: record.createdAt, data: record.data },
});
const unwrap = (record: StoredRecord): StoredRecord => ({ ...record, ...(record.data as object) });

/** Each violates the one rule that it stands under. */
export const brokenStorages: Readonly<Record<string, () => StorageAdapter>> = {
  'storage 1': broken(() => ({ capabilities: { shared: false, durable: false, atomic: false } })),
  'storage 2': broken((inner) => {
    const seen = new Set<string>();
    return {
      put: (record, condition) => {
        seen.add(record.id);
        return inner.put(record, condition);
      },
      get: async (collection, id) =>
        seen.has(id) ? inner.get(collection, id) : (null as unknown as undefined),
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
      (await inner.delete(collection, id, condition)) || condition === undefined,
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
    return { put: (...args) => track(async (others) => (others > 30 ? true : inner.put(...args))) };
  }),
  'storage 17': broken((inner) => {
    const track = inFlight();
    return {
      put: (record, condition) =>
        track(async (others) => {
          const written = await inner.put(record, condition);
          const version = (await inner.get(record.collection, record.id))?.version ?? 0;
          const expected = condition?.expectedVersion ?? 0;
          if (!written && others === 0 && expected > 0 && expected < version) await inner.put(record);
          return written;
        }),
    };
  }),
  'storage 18': broken((inner) => ({
    async put(record, condition) {
      const copy = structuredClone(record);
      const version = (await inner.get(record.collection, record.id))?.version ?? 0;
      return inner.put(copy, condition && condition.expectedVersion > version ? undefined : condition);
    },
  })),
  'storage 19': broken((inner) => ({ delete: (collection, id) => inner.delete(collection, id) })),
  'storage 21': racyPut((expectedVersion) => expectedVersion > 0),
  'storage 22': racyPut((expectedVersion) => expectedVersion === 0),
  'storage 23': broken((inner) => ({
    async delete(collection, id, condition?: WriteCondition) {
      if (condition === undefined) return inner.delete(collection, id);
      const version = (await inner.get(collection, id))?.version ?? 0;
      if (version === 0 || version !== condition.expectedVersion) return false;
      await inner.delete(collection, id);
      return true;
    },
  })),
  'storage 24': broken((inner) => ({
    put: (record, condition) => inner.put(wrap(record), condition),
    async get(collection, id) {
      const record = await inner.get(collection, id);
      return record && unwrap(record);
    },
    async list(collection, query) {
      const page = await inner.list(collection, query);
      return { ...page, items: page.items.map(unwrap) };
    },
  })),
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
    inner.list('jobs', status === undefined || query.userId !== undefined ? query : { ...query, status }),
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
    (_items, end) => String(end),
    (cursor) => (_item, index) => index >= Number(cursor),
  ),
  'storage 33': listing((inner, { cursor, ...query }) =>
    inner.list('jobs', cursor === undefined || cursor.length < 40 ? query : { ...query, cursor }),
  ),
  'storage 34': broken((inner) => ({
    list: (collection, query) =>
      collection === 'jobs' ? inner.list(collection, query) : Promise.resolve({ items: [] }),
  })),
};
