import { describe, expect, it } from 'vitest';
import { createMemoryStorage } from '../../src/adapters/memory/index.js';
import { type StorageContractOptions, testStorageContract } from '../../src/testing/contract/storage.js';
import { shared } from './broken-storage.js';
import { brokenStorageConditions } from './broken-storage-conditions.js';
import { brokenSharedTransactions, brokenStorageConflicts } from './broken-storage-conflicts.js';
import { brokenStorageEnvelopes } from './broken-storage-envelope.js';
import { brokenSharedStorages, brokenStorageLists } from './broken-storage-lists.js';
import { brokenSharedPurges, brokenStoragePurges } from './broken-storage-purge.js';
import { brokenStorageRecords } from './broken-storage-records.js';
import { brokenStorageTimes } from './broken-storage-times.js';
import { brokenStorageTransactions } from './broken-storage-transactions.js';
import { numberOf, outcomeOf, rulesOf } from './failed-rules.js';
import { proveRules } from './prove-rules.js';

const capabilities = { shared: false, durable: false, atomic: true };

describe('the storage contract', () => {
  proveRules<StorageContractOptions>(testStorageContract, shared(), {
    ...brokenStorageRecords,
    ...brokenStorageConditions,
    ...brokenStorageLists,
    ...brokenSharedStorages,
    ...brokenStorageEnvelopes,
    ...brokenStorageTimes,
    ...brokenStorageTransactions,
    ...brokenStorageConflicts,
    ...brokenSharedTransactions,
    ...brokenStoragePurges,
    ...brokenSharedPurges,
  });

  it('leaves out what is not stated', () => {
    const rules = (stated: Partial<StorageContractOptions>): string[] =>
      rulesOf((runner) => testStorageContract(runner, { ...shared(), ...stated })).map(numberOf);
    const complete = rules({});
    const leftOut = (stated: Partial<StorageContractOptions>, of = complete): string[] => {
      const declared = new Set(rules(stated));
      return of.filter((rule) => !declared.has(rule));
    };
    const numbered = (...numbers: number[]): string[] => numbers.map((number) => `storage ${number}`);
    const all = { shared: true, durable: true, atomic: true };
    expect(leftOut({ capabilities: { ...all, shared: false } })).toEqual(
      numbered(35, 36, 47, 86, 87, 88, 102),
    );
    expect(leftOut({ capabilities: { ...all, durable: false } })).toEqual(numbered(37, 89));
    const plain = rules({ members: [] });
    expect(leftOut({ members: [], capabilities: { ...all, atomic: false } }, plain)).toEqual(
      numbered(21, 22, 23, 42, 36),
    );
    const from = (first: number, last: number): string[] => {
      const between = Array.from({ length: last - first + 1 }, (_, index) => first + index);
      return numbered(...between);
    };
    expect(leftOut({ members: ['purge', 'health'] })).toEqual(from(66, 89));
    expect(leftOut({ members: ['transact', 'health'] })).toEqual(from(90, 107));
    expect(leftOut({ members: ['transact', 'purge'] })).toEqual(from(108, 108));
    const { members: _members, ...unsaid } = shared();
    const declared = rulesOf((runner) => testStorageContract(runner, unsaid)).map(numberOf);
    expect(declared).toEqual(plain);
  });

  it('asks for exactly the optional members that are stated', async () => {
    const members = ['transact', 'purge', 'health'] as const;
    const adapter = createMemoryStorage();
    for (const member of members) {
      const { [member]: _member, ...without } = adapter;
      for (const [stated, create] of [
        [members, () => without],
        [members.filter((other) => other !== member), () => adapter],
      ] as const) {
        const { failed } = await outcomeOf((runner) =>
          testStorageContract(runner, { capabilities, members: stated, create }),
        );
        expect(failed.map(numberOf)).toContain('storage 1');
      }
    }
  });

  it.each([
    ['no list', 'transact', /members: must be a list of names, got string/],
    ['a name that is none', ['purge', 'list'], /members\[1\]: must be transact or purge or health, got list/],
    ['a name twice', ['purge', 'purge'], /members\[1\]: purge is there already/],
    ['no text', [undefined], /members\[0\]: must be transact or purge or health, got undefined/],
  ])('refuses %s as members', (_what, members, message) => {
    const options = { capabilities, members, create: () => createMemoryStorage() };
    const declare = testStorageContract as (...given: unknown[]) => void;
    expect(() => rulesOf((runner) => declare(runner, options))).toThrow(message);
  });

  it('asks for atomic where transact is stated', () => {
    const options: StorageContractOptions = { ...shared(), capabilities: { ...capabilities, atomic: false } };
    expect(() => rulesOf((runner) => testStorageContract(runner, options))).toThrow(/transact.*atomic/);
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
