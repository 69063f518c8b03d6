import { describe, expect, it } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/index.js';
import { type QueueContractOptions, testQueueContract } from '../../src/testing/contract/queue.js';
import { shared } from './broken-queue.js';
import { brokenQueueCancel } from './broken-queue-cancel.js';
import { brokenQueueDelays } from './broken-queue-delays.js';
import { brokenQueueEntries } from './broken-queue-entries.js';
import { brokenQueueGroups } from './broken-queue-groups.js';
import { brokenQueueMembers } from './broken-queue-members.js';
import { brokenSharedQueues } from './broken-queue-sharing.js';
import { brokenQueueWorkers } from './broken-queue-workers.js';
import { numberOf, rulesOf } from './failed-rules.js';
import { proveRules } from './prove-rules.js';

describe('the queue contract', () => {
  proveRules<QueueContractOptions>(testQueueContract, shared(), {
    ...brokenQueueEntries,
    ...brokenQueueDelays,
    ...brokenQueueCancel,
    ...brokenQueueWorkers,
    ...brokenSharedQueues,
    ...brokenQueueGroups,
    ...brokenQueueMembers,
  });

  it('leaves out what is not stated, and minutes of waiting on a real clock', () => {
    const rules = (options: Partial<QueueContractOptions>) =>
      rulesOf((runner) => testQueueContract(runner, { ...shared(), ...options })).map(numberOf);
    const complete = rules({});
    const leftOut = (options: Partial<QueueContractOptions>) => {
      const declared = rules(options);
      return complete.filter((rule) => !declared.includes(rule));
    };
    expect(leftOut({ capabilities: { distributed: false, durable: true } })).toEqual([
      'queue 35',
      'queue 36',
      'queue 37',
      'queue 63',
      'queue 64',
    ]);
    expect(leftOut({ capabilities: { distributed: true, durable: false } })).toEqual([
      'queue 34',
      'queue 48',
      'queue 49',
      'queue 56',
      'queue 57',
      'queue 58',
      'queue 59',
      'queue 60',
    ]);
    expect(leftOut({ time: 'real' })).toEqual(['queue 13', 'queue 44', 'queue 45']);
  });

  it('asks for reopen where a capability needs it', () => {
    for (const capabilities of [
      { distributed: true, durable: false },
      { distributed: false, durable: true },
    ]) {
      const options = { capabilities, create: () => createMemoryQueue() };
      expect(() => rulesOf((runner) => testQueueContract(runner, options))).toThrow(TypeError);
    }
  });
});
