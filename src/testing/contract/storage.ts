import { deepEqual } from 'node:assert/strict';
import type { Clock } from '../../contracts/clock.js';
import type { StorageAdapter, StorageCapabilities } from '../../contracts/storage.js';
import { checkSuite } from './check-suite.js';
import { type ContractOptions, type ContractRunner, runSuite } from './runner.js';
import { conditionClauses } from './storage-conditions.js';
import { cursorClauses } from './storage-cursors.js';
import { listClauses } from './storage-lists.js';
import { recordClauses } from './storage-records.js';
import type { StorageClause } from './storage-samples.js';
import { sharingClauses } from './storage-sharing.js';

export interface StorageContractOptions extends ContractOptions<StorageAdapter> {
  /** What the adapter states. Rules that hold only for a capability run only where it is true. */
  readonly capabilities: StorageCapabilities;
  /** An adapter on a new, empty store. Called once for each rule. */
  create(clock: Clock): StorageAdapter | Promise<StorageAdapter>;
  /** One more adapter on the store of the first. Needed where `shared` or `durable` is true. */
  reopen?(first: StorageAdapter, clock: Clock): StorageAdapter | Promise<StorageAdapter>;
}

/**
 * Checks a storage adapter against the contract, one test for each rule.
 *
 * ```ts
 * testStorageContract({ describe, it }, {
 *   capabilities: { shared: false, durable: false, atomic: true },
 *   create: () => createMemoryStorage(),
 * });
 * ```
 *
 * Throws a TypeError or RangeError for a wrong option, and where a stated capability needs `reopen`.
 */
export function testStorageContract(runner: ContractRunner, options: StorageContractOptions): void {
  checkSuite('testStorageContract()', runner, options, { capabilities: ['shared', 'durable', 'atomic'] });
  const { capabilities, reopen } = options;
  if ((capabilities.shared || capabilities.durable) && reopen === undefined) {
    throw new TypeError('reopen: is needed where the capabilities shared or durable are stated');
  }
  const statement: StorageClause = {
    rule: 'storage 1: the adapter states the capabilities that the suite was given',
    check: async ({ adapter }) => deepEqual({ ...adapter.capabilities }, { ...capabilities }),
  };
  runSuite(runner, {
    title: 'storage contract',
    clauses: [
      statement,
      ...recordClauses,
      ...conditionClauses,
      ...listClauses,
      ...cursorClauses,
      ...sharingClauses,
    ],
    stated: { ...capabilities },
    time: 'injected',
    options,
    open: (clock) => options.create(clock),
    another: (clock, first) => options.reopen?.(first, clock) ?? first,
    context: (subject) => subject,
  });
}
