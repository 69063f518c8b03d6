import type { StorageChange, StoredRecord } from '../../src/contracts/storage.js';
import { StorageError } from '../../src/errors/index.js';
import type { StorageContractOptions } from '../../src/testing/contract/storage.js';
import { brokenMember, type FullStorage, inFlight, nextTurn, oneByOne, shared } from './broken-storage.js';
import { idOf, versionNow } from './broken-storage-transactions.js';
import type { BrokenAdapter } from './prove-rules.js';

/** Looks first at all conditions, and writes later without them. */
async function lookThenWrite(inner: FullStorage, changes: readonly StorageChange[]): Promise<boolean> {
  for (const change of changes) {
    const { condition } = change;
    if (condition !== undefined && (await versionNow(inner, change)) !== condition.expectedVersion)
      return false;
  }
  await nextTurn();
  return inner.transact(changes.filter(({ type }) => type !== 'check').map(unconditional));
}

function unconditional(change: StorageChange): StorageChange {
  if (change.type === 'check') return change;
  const { condition: _condition, ...rest } = change;
  return rest;
}

function isDescending(changes: readonly StorageChange[]): boolean {
  const ids = changes.map(idOf);
  return (ids[0] ?? '') > (ids.at(-1) ?? '');
}

function deadlock(): StorageError {
  return new StorageError('Two transactions waited for one another.', {
    code: 'storage_unavailable',
    retryable: true,
  });
}

/** What the adapters of a store have in common, and which of them an adapter is, from 1. */
function onStores<State>(make: () => State) {
  const states = new WeakMap<FullStorage, { readonly state: State; adapters: number }>();
  return (inner: FullStorage): { readonly state: State; readonly number: number } => {
    const store = states.get(inner) ?? { state: make(), adapters: 0 };
    states.set(inner, store);
    store.adapters += 1;
    return { state: store.state, number: store.adapters };
  };
}

/** Each violates the one rule that it stands under. */
export const brokenStorageConflicts: Readonly<Record<string, BrokenAdapter<StorageContractOptions>>> = {
  'storage 81': brokenMember((inner) => {
    const track = inFlight();
    return {
      transact: (changes) =>
        track((others) =>
          inner.transact(others() === 0 ? changes : changes.filter(({ type }) => type !== 'check')),
        ),
    };
  }),
  'storage 82': brokenMember((inner) => {
    const track = inFlight();
    return {
      transact: (changes) =>
        track(async (others) => {
          const copy = structuredClone(changes);
          await nextTurn();
          return others() < 5 ? inner.transact(copy) : lookThenWrite(inner, copy);
        }),
    };
  }),
  // Keeps transactions apart from one another, and not from other writes.
  'storage 83': brokenMember((inner) => ({
    transact: (changes) =>
      changes.length === 1 && changes[0]?.type === 'put'
        ? lookThenWrite(inner, structuredClone(changes))
        : inner.transact(changes),
  })),
  'storage 84': brokenMember((inner) => {
    const track = inFlight();
    return {
      transact: (changes) =>
        track(async (others) => {
          if (others() > 5 && isDescending(changes)) throw deadlock();
          return inner.transact(changes);
        }),
    };
  }),
  // For a moment only the first change is to be seen.
  'storage 85': brokenMember((inner) => {
    const before = new Map<string, StoredRecord | undefined>();
    return {
      get: async (collection, id) =>
        before.has(id) ? structuredClone(before.get(id)) : inner.get(collection, id),
      async transact(changes) {
        const copy = structuredClone(changes);
        for (const id of copy.slice(1, 3).map(idOf)) before.set(id, await inner.get('jobs', id));
        try {
          return await inner.transact(copy);
        } finally {
          for (let turn = 0; turn < 10; turn++) await nextTurn();
          before.clear();
        }
      },
    };
  }),
};

const adaptersOfStores = onStores(() => undefined);
const locksOfStores = onStores(() => ({ running: new Set<number>() }));

/** What they violate holds between adapters of one store. */
export const brokenSharedTransactions: Readonly<Record<string, BrokenAdapter<StorageContractOptions>>> = {
  'storage 86': shared((inner) => {
    const { number } = adaptersOfStores(inner);
    return {
      transact: (changes) =>
        inner.transact(number === 1 ? changes : changes.filter(({ type }) => type !== 'check')),
    };
  }),
  // Each adapter locks for itself.
  'storage 87': shared((inner) => {
    const track = inFlight();
    const inTurn = oneByOne();
    return {
      transact: (changes) =>
        track((others) => {
          const copy = structuredClone(changes);
          return inTurn(() => (others() > 0 ? lookThenWrite(inner, copy) : inner.transact(copy)));
        }),
    };
  }),
  'storage 88': shared((inner) => {
    const { state, number } = locksOfStores(inner);
    return {
      async transact(changes) {
        const isWaitedFor = [...state.running].some((other) => other !== number);
        if (isWaitedFor && isDescending(changes)) throw deadlock();
        state.running.add(number);
        try {
          return await inner.transact(changes);
        } finally {
          state.running.delete(number);
        }
      },
    };
  }),
  // Writes what a transaction has written to the disk later, and never does.
  'storage 89': shared((inner) => {
    const unwritten: StorageChange[] = [];
    return {
      async transact(changes) {
        const isMade = await inner.transact(changes);
        if (isMade) unwritten.push(...changes);
        return isMade;
      },
      async close() {
        for (const change of unwritten) {
          const { collection } = change.type === 'put' ? change.record : change;
          await inner.delete(collection, idOf(change));
        }
      },
    };
  }),
};
