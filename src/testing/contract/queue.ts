import { deepEqual } from 'node:assert/strict';
import type { Clock } from '../../contracts/clock.js';
import type { QueueAdapter, QueueCapabilities } from '../../contracts/queue.js';
import { checkSuite } from './check-suite.js';
import { cancelClauses } from './queue-cancel.js';
import { channelClauses } from './queue-channel.js';
import { delayClauses } from './queue-delays.js';
import { entryClauses } from './queue-entries.js';
import { groupClauses } from './queue-groups.js';
import { memberClauses } from './queue-members.js';
import { type QueueClause, QueueRig } from './queue-rig.js';
import { sharingClauses } from './queue-sharing.js';
import { workerClauses } from './queue-workers.js';
import { type ContractOptions, type ContractRunner, type ContractTime, runSuite } from './runner.js';

export interface QueueContractOptions extends ContractOptions<QueueAdapter> {
  /**
   * What the adapter states. Rules that hold only for a capability run only where it is true: `durable` asks for
   * `missing` and `derive` as well, `distributed` for `channel`. `health` and `epoch` are checked where they are there.
   */
  readonly capabilities: QueueCapabilities;
  /** Default `injected`. With `real` the rules that need minutes to pass do not run. */
  readonly time?: ContractTime;
  /** A new, empty queue. Called once for each rule. */
  create(clock: Clock): QueueAdapter | Promise<QueueAdapter>;
  /** One more adapter on the queue of the first. Needed where `distributed` or `durable` is true. */
  reopen?(first: QueueAdapter, clock: Clock): QueueAdapter | Promise<QueueAdapter>;
}

/**
 * Checks a queue adapter against the contract, one test for each rule.
 *
 * ```ts
 * testQueueContract({ describe, it }, {
 *   capabilities: { distributed: false, durable: false },
 *   create: (clock) => createMemoryQueue({ clock }),
 * });
 * ```
 *
 * Throws a TypeError or RangeError for a wrong option, and where a stated capability needs `reopen`.
 */
export function testQueueContract(runner: ContractRunner, options: QueueContractOptions): void {
  checkSuite('testQueueContract()', runner, options, {
    keys: ['time'],
    capabilities: ['distributed', 'durable'],
  });
  const { capabilities, reopen, time = 'injected' } = options;
  if ((capabilities.distributed || capabilities.durable) && reopen === undefined) {
    throw new TypeError('reopen: is needed where the capabilities distributed or durable are stated');
  }
  const statement: QueueClause = {
    rule: 'queue 1: the adapter states the capabilities that the suite was given',
    async check({ queue }) {
      const { distributed, durable } = queue.capabilities;
      deepEqual(
        { distributed, durable },
        { distributed: capabilities.distributed, durable: capabilities.durable },
      );
    },
  };
  runSuite(runner, {
    title: 'queue contract',
    clauses: [
      statement,
      ...entryClauses,
      ...delayClauses,
      ...cancelClauses,
      ...workerClauses,
      ...sharingClauses,
      ...groupClauses,
      ...memberClauses,
      ...channelClauses,
    ],
    stated: { ...capabilities, clock: time === 'injected' },
    time,
    options,
    open: (clock) => options.create(clock),
    another: (clock, first) => options.reopen?.(first, clock) ?? first,
    context: (subject) => new QueueRig(subject),
  });
}
