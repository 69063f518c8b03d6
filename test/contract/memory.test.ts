import { describe, it } from 'vitest';
import {
  createMemoryLimits,
  createMemoryQueue,
  createMemoryStorage,
} from '../../src/adapters/memory/index.js';
import type { ClientEvent } from '../../src/contracts/events.js';
import { testLimitsContract } from '../../src/testing/contract/limits.js';
import { testMetricsContract } from '../../src/testing/contract/metrics.js';
import { testQueueContract } from '../../src/testing/contract/queue.js';
import { testStorageContract } from '../../src/testing/contract/storage.js';

const runner = { describe, it };
/** Most of what a rule does on the machine's time is waiting: rules may wait side by side. */
const sideBySide = { describe, it: it.concurrent };

testStorageContract(runner, {
  capabilities: { shared: false, durable: false, atomic: true },
  members: ['transact', 'purge', 'health'],
  create: () => createMemoryStorage(),
});

testQueueContract(runner, {
  capabilities: { distributed: false, durable: false },
  create: (clock) => createMemoryQueue({ clock }),
});

describe('on the time of the machine', () => {
  testQueueContract(sideBySide, {
    capabilities: { distributed: false, durable: false },
    time: 'real',
    create: () => createMemoryQueue(),
  });

  testLimitsContract(sideBySide, {
    time: 'real',
    create: (limits, clock) => createMemoryLimits(limits, clock),
  });
});

testLimitsContract(runner, { create: (limits, clock) => createMemoryLimits(limits, clock) });

class RecordingHook {
  readonly types: string[] = [];

  onEvent({ type }: ClientEvent): void {
    this.types.push(type);
  }
}

testMetricsContract(runner, {
  create: () => new RecordingHook(),
  recordedTypes: (hook) => (hook as RecordingHook).types,
});
