import { describe, expect, it } from 'vitest';
import { createMemoryLimits } from '../../src/adapters/memory/index.js';
import { type LimitsContractOptions, testLimitsContract } from '../../src/testing/contract/limits.js';
import { sameAgain } from './broken-limit.js';
import { brokenLimitsPlaces } from './broken-limits-places.js';
import { brokenLimitsRate } from './broken-limits-rate.js';
import { brokenLimitsSharing } from './broken-limits-sharing.js';
import { brokenLimitsWaiting } from './broken-limits-waiting.js';
import { numberOf, rulesOf } from './failed-rules.js';
import { proveRules } from './prove-rules.js';

const sound: LimitsContractOptions = {
  create: (limits, clock) => createMemoryLimits(limits, clock),
  reopen: sameAgain,
};

describe('the limits contract', () => {
  proveRules<LimitsContractOptions>(testLimitsContract, sound, {
    ...brokenLimitsPlaces,
    ...brokenLimitsWaiting,
    ...brokenLimitsRate,
    ...brokenLimitsSharing,
  });

  it('leaves out minutes of waiting on a real clock', () => {
    const complete = rulesOf((runner) => testLimitsContract(runner, sound));
    const real = rulesOf((runner) => testLimitsContract(runner, { ...sound, time: 'real' }));
    expect(complete.filter((rule) => !real.includes(rule)).map(numberOf)).toEqual([
      'limits 23',
      'limits 24',
      'limits 25',
      'limits 30',
      'limits 31',
      'limits 32',
    ]);
  });

  it('leaves out the rules about sharing where nothing is shared', () => {
    const complete = rulesOf((runner) => testLimitsContract(runner, sound));
    const alone = rulesOf((runner) => testLimitsContract(runner, { create: sound.create }));
    expect(complete.filter((rule) => !alone.includes(rule)).map(numberOf)).toEqual([
      'limits 33',
      'limits 34',
      'limits 35',
      'limits 36',
    ]);
  });
});
