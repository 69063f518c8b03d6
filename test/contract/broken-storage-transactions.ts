import type { StorageChange } from '../../src/contracts/storage.js';
import { StorageError } from '../../src/errors/index.js';
import { isStorableId, toJsonRecord } from '../../src/records/record.js';
import type { StorageContractOptions } from '../../src/testing/contract/storage.js';
import { brokenMember, type FullStorage, inFlight } from './broken-storage.js';
import type { BrokenAdapter } from './prove-rules.js';

export function idOf(change: StorageChange): string {
  return change.type === 'put' ? change.record.id : change.id;
}

export async function versionNow(inner: FullStorage, change: StorageChange): Promise<number> {
  const { collection } = change.type === 'put' ? change.record : change;
  return (await inner.get(collection, idOf(change)))?.version ?? 0;
}

/** A storage that makes other changes than it was handed. */
function changing(change: (changes: readonly StorageChange[]) => readonly StorageChange[]) {
  return brokenMember((inner) => ({ transact: (changes) => inner.transact(change(changes)) }));
}

/** Makes the changes without a condition all the same where one of this type does not hold. */
function halfWhere(type: StorageChange['type']) {
  return brokenMember((inner) => {
    const track = inFlight();
    return {
      transact: (changes) =>
        track(async (others) => {
          const isAlone = others() === 0;
          const copy = structuredClone(changes);
          if (await inner.transact(copy)) return true;
          const fails = copy.some((change) => change.type === type && change.condition !== undefined);
          if (isAlone && fails && copy.length > 3) {
            await inner.transact(copy.filter(({ condition }) => condition === undefined));
          }
          return false;
        }),
    };
  });
}

function isUnfit(change: StorageChange): boolean {
  try {
    if (change.type === 'put') toJsonRecord(change.record);
    return false;
  } catch {
    return true;
  }
}

/** Each violates the one rule that it stands under. */
export const brokenStorageTransactions: Readonly<Record<string, BrokenAdapter<StorageContractOptions>>> = {
  'storage 66': changing((changes) =>
    changes.filter((change) => change.type !== 'put' || change.record.collection !== 'outbox'),
  ),
  'storage 67': brokenMember((inner) => ({
    transact: async (changes) => changes.length > 0 && inner.transact(changes),
  })),
  'storage 68': halfWhere('put'),
  'storage 69': halfWhere('delete'),
  'storage 70': halfWhere('check'),
  // Locks the record of a check by writing it.
  'storage 71': brokenMember((inner) => ({
    async transact(changes) {
      const copy = structuredClone(changes);
      if (!(await inner.transact(copy))) return false;
      const written = new Set(copy.filter(({ type }) => type !== 'check').map(idOf));
      for (const change of copy) {
        if (change.type !== 'check' || written.has(change.id)) continue;
        const record = await inner.get(change.collection, change.id);
        if (record !== undefined) await inner.put(record);
      }
      return true;
    },
  })),
  'storage 72': brokenMember((inner) => ({
    async transact(changes) {
      if (changes.some(({ type }) => type === 'check')) return inner.transact(changes);
      const copy = structuredClone(changes);
      const puts = new Set(copy.filter(({ type }) => type === 'put').map(idOf));
      for (const change of copy) {
        if (change.type !== 'delete' || puts.has(change.id)) continue;
        if ((await versionNow(inner, change)) === 0) return false;
      }
      return inner.transact(copy);
    },
  })),
  'storage 73': brokenMember((inner) => ({
    async transact(changes) {
      for (const change of changes) {
        if (change.type === 'put' || isStorableId(change.id)) continue;
        throw new StorageError('No text for this back end.', { code: 'storage_failed' });
      }
      return inner.transact(changes);
    },
  })),
  'storage 74': brokenMember((inner) => ({
    async transact(changes) {
      const unfit = changes.findIndex(isUnfit);
      if (unfit > 0) await inner.transact(changes.slice(0, unfit));
      return inner.transact(changes);
    },
  })),
  'storage 75': changing((changes) => changes.slice(0, 500)),
  'storage 76': brokenMember((inner) => ({
    async transact(changes) {
      await Promise.resolve();
      return inner.transact(changes);
    },
  })),
  'storage 77': changing((changes) =>
    changes.filter((change, index) => {
      const next = changes[index + 1];
      const isRepeated = next?.type === 'put' && next.condition === undefined && idOf(next) === idOf(change);
      return change.type !== 'put' || change.condition !== undefined || !isRepeated;
    }),
  ),
  'storage 78': changing((changes) => {
    const isFirst = ({ type, condition }: StorageChange): boolean =>
      type === 'delete' && condition === undefined;
    return [...changes.filter(isFirst), ...changes.filter((change) => !isFirst(change))];
  }),
  // Writes over the record that it should have deleted before.
  'storage 79': changing((changes) => {
    const isWrittenNext = (index: number): boolean => {
      const [change, next] = [changes[index], changes[index + 1]];
      return change?.type === 'delete' && next?.type === 'put' && next.record.id === change.id;
    };
    return changes.flatMap((change, index) => {
      if (isWrittenNext(index)) return [];
      return change.type === 'put' && isWrittenNext(index - 1)
        ? [{ type: 'put', record: change.record }]
        : [change];
    });
  }),
  // Looks at all checks first.
  'storage 80': brokenMember((inner) => ({
    async transact(changes) {
      const copy = structuredClone(changes);
      for (const change of copy) {
        if (change.type !== 'check') continue;
        if ((await versionNow(inner, change)) !== change.condition.expectedVersion) return false;
      }
      return inner.transact(copy.filter(({ type }) => type !== 'check'));
    },
  })),
};
