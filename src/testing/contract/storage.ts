import { deepEqual } from 'node:assert/strict';
import type { Clock } from '../../contracts/clock.js';
import type { StorageAdapter, StorageCapabilities } from '../../contracts/storage.js';
import { requireOneOf } from '../check-options.js';
import { checkSuite } from './check-suite.js';
import { type ContractOptions, type ContractRunner, runSuite } from './runner.js';
import { conditionClauses } from './storage-conditions.js';
import { cursorClauses } from './storage-cursors.js';
import { envelopeClauses } from './storage-envelope.js';
import { healthClauses } from './storage-health.js';
import { listClauses } from './storage-lists.js';
import { purgeClauses } from './storage-purge.js';
import { purgeRefusalClauses } from './storage-purge-refusals.js';
import { recordClauses } from './storage-records.js';
import type { StorageClause } from './storage-samples.js';
import { sharingClauses } from './storage-sharing.js';
import { timeClauses } from './storage-times.js';
import { conflictClauses } from './storage-transaction-conflicts.js';
import { orderClauses } from './storage-transaction-order.js';
import { transactionSharingClauses } from './storage-transaction-sharing.js';
import { transactionClauses } from './storage-transactions.js';

const MEMBERS = ['transact', 'purge', 'health'] as const;

export interface StorageContractOptions extends ContractOptions<StorageAdapter> {
  /** What the adapter states. Rules that hold only for a capability run only where it is true. */
  readonly capabilities: StorageCapabilities;
  /** The optional members that the adapter has. Default none. Their rules run only where they are named. */
  readonly members?: readonly (typeof MEMBERS)[number][];
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
 *   members: ['transact', 'purge', 'health'],
 *   create: () => createMemoryStorage(),
 * });
 * ```
 *
 * Throws a TypeError or RangeError for a wrong option, and where a stated capability needs `reopen` or
 * `transact` comes without `atomic`.
 */
export function testStorageContract(runner: ContractRunner, options: StorageContractOptions): void {
  checkSuite('testStorageContract()', runner, options, {
    keys: ['members'],
    capabilities: ['shared', 'durable', 'atomic'],
  });
  const { capabilities, members = [], reopen } = options;
  checkMembers(members);
  if ((capabilities.shared || capabilities.durable) && reopen === undefined) {
    throw new TypeError('reopen: is needed where the capabilities shared or durable are stated');
  }
  if (members.includes('transact') && !capabilities.atomic) {
    throw new TypeError('members: transact is only for an adapter with the capability atomic');
  }
  const statement: StorageClause = {
    rule: 'storage 1: the adapter states the capabilities that the suite was given, and has its optional members',
    async check({ adapter }) {
      deepEqual({ ...adapter.capabilities }, { ...capabilities });
      const found = MEMBERS.filter((member) => typeof adapter[member] === 'function');
      deepEqual(
        found,
        MEMBERS.filter((member) => members.includes(member)),
      );
    },
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
      ...envelopeClauses,
      ...timeClauses,
      ...transactionClauses,
      ...orderClauses,
      ...conflictClauses,
      ...transactionSharingClauses,
      ...purgeClauses,
      ...purgeRefusalClauses,
      ...healthClauses,
    ],
    stated: { ...capabilities, ...Object.fromEntries(members.map((member) => [member, true])) },
    time: 'injected',
    options,
    open: (clock) => options.create(clock),
    another: (clock, first) => options.reopen?.(first, clock) ?? first,
    context: (subject) => subject,
  });
}

function checkMembers(members: readonly string[]): void {
  if (!Array.isArray(members)) throw new TypeError(`members: must be a list of names, got ${typeof members}`);
  for (const [index, member] of members.entries()) {
    requireOneOf(`members[${index}]`, member, MEMBERS);
    if (members.indexOf(member) < index) throw new TypeError(`members[${index}]: ${member} is there already`);
  }
}
