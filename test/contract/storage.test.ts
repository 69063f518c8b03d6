import { describe, expect, it } from 'vitest';
import { createMemoryStorage } from '../../src/adapters/memory/index.js';
import { type StorageContractOptions, testStorageContract } from '../../src/testing/contract/storage.js';
import { shared } from './broken-storage.js';
import { brokenStorageConditions } from './broken-storage-conditions.js';
import { brokenSharedStorages, brokenStorageLists } from './broken-storage-lists.js';
import { brokenStorageRecords } from './broken-storage-records.js';
import { numberOf, outcomeOf, rulesOf } from './failed-rules.js';
import { proveRules } from './prove-rules.js';

const capabilities = { shared: false, durable: false, atomic: true };

describe('the storage contract', () => {
  proveRules<StorageContractOptions>(testStorageContract, shared(), {
    ...brokenStorageRecords,
    ...brokenStorageConditions,
    ...brokenStorageLists,
    ...brokenSharedStorages,
  });

  it('leaves out what is not stated', () => {
    const rules = (stated: StorageContractOptions['capabilities']) =>
      rulesOf((runner) => testStorageContract(runner, { ...shared(), capabilities: stated })).map(numberOf);
    const complete = rules({ shared: true, durable: true, atomic: true });
    const leftOut = (stated: StorageContractOptions['capabilities']) => {
      const declared = rules(stated);
      return complete.filter((rule) => !declared.includes(rule));
    };
    expect(leftOut({ shared: false, durable: true, atomic: true })).toEqual([
      'storage 35',
      'storage 36',
      'storage 47',
    ]);
    expect(leftOut({ shared: true, durable: false, atomic: true })).toEqual(['storage 37']);
    expect(leftOut({ shared: true, durable: true, atomic: false })).toEqual([
      'storage 21',
      'storage 22',
      'storage 23',
      'storage 42',
      'storage 36',
    ]);
  });

  it('asks for reopen where a capability needs it', () => {
    for (const ability of ['shared', 'durable']) {
      const options = {
        capabilities: { ...capabilities, [ability]: true },
        create: () => createMemoryStorage(),
      };
      expect(() => rulesOf((runner) => testStorageContract(runner, options))).toThrow(TypeError);
    }
  });

  it('names the rule of an adapter that never answers', async () => {
    const inner = createMemoryStorage();
    const { failed, reasons } = await outcomeOf((runner) =>
      testStorageContract(runner, {
        capabilities,
        timeoutMs: 50,
        create: () => ({
          capabilities,
          get: () => new Promise(() => undefined),
          put: (...args) => inner.put(...args),
          list: (...args) => inner.list(...args),
          delete: (...args) => inner.delete(...args),
        }),
      }),
    );
    expect(failed.map(numberOf)).toContain('storage 2');
    expect(reasons.join('\n')).toContain('No end after 50 ms: storage 2');
  });
});
