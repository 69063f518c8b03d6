import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { RollingSum } from '../../src/resilience/rolling-sum.js';
import { ManualClock } from '../support/manual-clock.js';

it('keeps no more than its window where nobody asks for the total', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let nowMs = 0;
  const clock = Object.assign(new ManualClock(), { monotonicMs: () => nowMs });
  const sum = new RollingSum(clock, 30_000);
  sum.add(1);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let count = 0; count < 300_000; count += 1) {
    nowMs += 500;
    sum.add(1);
  }
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(2_000_000);
  expect(sum.total()).toBeLessThanOrEqual(61);
});
