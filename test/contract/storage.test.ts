import { describe, expect, it } from 'vitest';
import { createMemoryStorage } from '../../src/adapters/memory/index.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { type StorageContractOptions, testStorageContract } from '../../src/testing/contract/storage.js';
import { brokenStorages } from './broken-storages.js';
import { numberOf, outcomeOf } from './failed-rules.js';

const capabilities = { shared: false, durable: false, atomic: true };
const all = { shared: true, durable: true, atomic: true };

function run(options: StorageContractOptions) {
  return outcomeOf((runner) => testStorageContract(runner, options));
}

/** A view of another storage, as a process has it. */
function view(inner: StorageAdapter, changes: Partial<StorageAdapter> = {}): StorageAdapter {
  return {
    capabilities: all,
    get: (...args) => inner.get(...args),
    put: (...args) => inner.put(...args),
    list: (...args) => inner.list(...args),
    delete: (...args) => inner.delete(...args),
    ...changes,
  };
}

/** Remembers what it has read. */
function caching(inner: StorageAdapter): StorageAdapter {
  const seen = new Map<string, ReturnType<StorageAdapter['get']>>();
  return view(inner, {
    get(collection, id) {
      const found = seen.get(id) ?? inner.get(collection, id);
      seen.set(id, found);
      return found;
    },
  });
}

function opened(change: (inner: StorageAdapter) => Partial<StorageAdapter>, again = view) {
  const inners = new WeakMap<StorageAdapter, StorageAdapter>();
  return run({
    capabilities: all,
    create() {
      const inner = createMemoryStorage();
      const adapter = view(inner, change(inner));
      inners.set(adapter, inner);
      return adapter;
    },
    reopen: (first) => again(inners.get(first) ?? first),
  });
}

describe('the storage contract', () => {
  it.each(Object.entries(brokenStorages))(
    'catches a violation of %s, and nothing else',
    async (rule, create) => {
      const { failed, reasons } = await run({ capabilities, create });
      expect(failed.map(numberOf), reasons.join('\n')).toEqual([rule]);
    },
  );

  it('numbers its rules without a gap, and runs all of them where all capabilities are stated', async () => {
    const { rules, reasons } = await opened(() => ({}));
    expect(reasons).toEqual([]);
    expect(rules.map(numberOf)).toEqual(rules.map((_, index) => `storage ${index + 1}`));
    const fewer = await run({
      capabilities: { ...capabilities, atomic: false },
      create: () => createMemoryStorage(),
    });
    expect(rules.length - fewer.rules.length).toBe(6);
  });

  it('catches what holds between adapters', async () => {
    const stale = await opened(
      () => ({}),
      (inner) => caching(inner),
    );
    expect(stale.failed.map(numberOf)).toEqual(['storage 35']);
    const split = await opened(
      () => ({}),
      () => view(createMemoryStorage()),
    );
    expect(split.failed.map(numberOf)).toEqual(['storage 35', 'storage 37']);
    const forgetful = await opened((inner) => ({
      async close() {
        for (const { id } of (await inner.list('jobs', {})).items) await inner.delete('jobs', id);
      },
    }));
    expect(forgetful.failed.map(numberOf)).toEqual(['storage 37']);
  });

  it('asks for reopen where a capability needs it', () => {
    const declare = () =>
      testStorageContract(
        { describe: (_name, body) => body(), it: () => undefined },
        { capabilities: all, create: () => createMemoryStorage() },
      );
    expect(declare).toThrow(TypeError);
  });

  it('names the rule of an adapter that never answers', async () => {
    const { failed, reasons } = await run({
      capabilities,
      timeoutMs: 50,
      create: () => ({
        ...view(createMemoryStorage()),
        capabilities,
        get: () => new Promise(() => undefined),
      }),
    });
    expect(failed.map(numberOf)).toContain('storage 2');
    expect(reasons.join('\n')).toContain('No end after 50 ms: storage 2');
  });
});
