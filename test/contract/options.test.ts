import {
  createFakeClock,
  testLimitsContract,
  testMetricsContract,
  testQueueContract,
  testStorageContract,
} from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';

const runner = { describe: () => undefined, it: () => undefined };
const create = () => createFakeClock();
const storage = { shared: false, durable: false, atomic: true };
const queue = { distributed: false, durable: false };

describe('wrong options of a contract suite', () => {
  it.each([
    ['no options', testStorageContract, undefined, /options of testStorageContract/],
    ['an adapter in place of create', testMetricsContract, { create: {} }, /create: must be a function/],
    ['a misspelt option', testMetricsContract, { create, recorded: 1 }, /recorded/],
    [
      'an option of another suite',
      testStorageContract,
      { create, capabilities: storage, time: 'real' },
      /time/,
    ],
    ['a wrong time', testLimitsContract, { create, time: 'reel' }, /time: must be injected or real/],
    ['no capabilities', testQueueContract, { create }, /capabilities: must be an object/],
    ['a misspelt one', testQueueContract, { create, capabilities: { ...queue, durabel: true } }, /durabel/],
    ['a missing one', testStorageContract, { create, capabilities: {} }, /capabilities.shared: must be true/],
    ['a time-out of 0', testMetricsContract, { create, timeoutMs: 0 }, /timeoutMs/],
  ])('are refused: %s', (_what, suite, options, message) => {
    const declare = suite as (...given: unknown[]) => void;
    expect(() => declare(runner, options)).toThrow(message);
  });

  it.each([undefined, {}, { describe: () => undefined }])('and so is the runner %j', (wrong) => {
    const declare = testMetricsContract as (...given: unknown[]) => void;
    expect(() => declare(wrong, { create })).toThrow(/of the runner: must be a function/);
  });
});
