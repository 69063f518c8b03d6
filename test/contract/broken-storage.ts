import { createMemoryStorage } from '../../src/adapters/memory/index.js';
import type { ListQuery, StorageAdapter, StoredRecord } from '../../src/contracts/storage.js';
import { StorageError } from '../../src/errors/index.js';
import type { StorageContractOptions } from '../../src/testing/contract/storage.js';

type Change = (inner: StorageAdapter) => Partial<StorageAdapter>;

/** With the optional members. */
export type FullStorage = Required<StorageAdapter>;

const capabilities = { shared: false, durable: false, atomic: true };
const all = { shared: true, durable: true, atomic: true };

type Members = NonNullable<StorageContractOptions['members']>;

/** The optional members that the broken adapters have. */
const MEMBERS: Members = ['transact', 'purge', 'health'];

/** A storage that does what `inner` does but for the changes. */
function changed(inner: StorageAdapter, members: Members, changes: Partial<StorageAdapter>): StorageAdapter {
  return {
    capabilities: inner.capabilities,
    get: (...args) => inner.get(...args),
    put: (...args) => inner.put(...args),
    list: (...args) => inner.list(...args),
    delete: (...args) => inner.delete(...args),
    ...Object.fromEntries(members.map((member) => [member, inner[member]])),
    ...changes,
  };
}

/** What is changed here would have to be changed in the optional members too: it has none. */
export function broken(change: Change, members: Members = []): StorageContractOptions {
  return {
    capabilities,
    members,
    create() {
      const inner = createMemoryStorage();
      return changed(inner, members, change(inner));
    },
  };
}

/** An adapter with all optional members, of which one is changed. */
export function brokenMember(
  change: (inner: FullStorage) => Partial<StorageAdapter>,
): StorageContractOptions {
  return broken((inner) => change(inner as FullStorage), MEMBERS);
}

/** Adapters on one store, as processes have them. */
export function shared(
  change: (inner: FullStorage) => Partial<StorageAdapter> = () => ({}),
  members: Members = MEMBERS,
): StorageContractOptions {
  const inners = new WeakMap<StorageAdapter, StorageAdapter>();
  const open = (inner: StorageAdapter): StorageAdapter => {
    const adapter = changed(inner, members, { capabilities: all, ...change(inner as FullStorage) });
    inners.set(adapter, inner);
    return adapter;
  };
  return {
    capabilities: all,
    members,
    create: () => open(createMemoryStorage()),
    reopen: (first) => open(inners.get(first) ?? first),
  };
}

export function listing(
  change: (inner: StorageAdapter, query: ListQuery) => ReturnType<StorageAdapter['list']>,
) {
  return broken((inner) => ({
    list: (collection, query) =>
      collection === 'jobs' ? change(inner, query) : inner.list(collection, query),
  }));
}

/** Pages whose cursor is a text that `after` understands, over all that fits the filters. */
export function paging(
  cursorOf: (items: StoredRecord[], before: string) => string,
  after: (cursor: string) => (item: StoredRecord) => boolean,
) {
  return listing(async (inner, { limit = 100, cursor = 'jobs@', ...filters }) => {
    if (!cursor.startsWith('jobs@')) throw new StorageError('No cursor.', { code: 'invalid_option' });
    const before = cursor.slice('jobs@'.length);
    const all = [...(await inner.list('jobs', { ...filters, limit: 1000 })).items];
    const rest = before === '' ? all : all.filter(after(before));
    const items = rest.slice(0, limit);
    return rest.length <= limit ? { items } : { items, nextCursor: `jobs@${cursorOf(items, before)}` };
  });
}

/** Counts the calls that have not ended. A call learns how many others there are. */
export function inFlight() {
  let count = 0;
  return async <Value>(run: (others: () => number) => Promise<Value>): Promise<Value> => {
    count += 1;
    try {
      return await run(() => count - 1);
    } finally {
      count -= 1;
    }
  };
}

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One call after the other. */
export function oneByOne() {
  let last: Promise<unknown> = Promise.resolve();
  return <Value>(run: () => Promise<Value>): Promise<Value> => {
    const next = last.then(run, run);
    last = next;
    return next;
  };
}
