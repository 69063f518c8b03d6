import { describe, it } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/index.js';
import { expectFairness } from './queue-processes/fairness.js';

describe('groups in the queue in memory', () => {
  it('of 10,000 entries hold up ten of another one for no more than their own time', () =>
    expectFairness((clock) => createMemoryQueue({ clock })));
});
