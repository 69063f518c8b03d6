import { beforeAll, expect, test } from 'vitest';
import { newSeed } from '../../../src/testing/emulator/faults-random.js';
import { checkRun, type RunFigures } from './check-run.js';
import { warmUp } from './perform.js';

const RUNS = 100;

/** One run alone: `LOSSLESS_SEED`. */
const only = process.env.LOSSLESS_SEED;
const first = only === undefined ? newSeed() : Number(only);
const runs = only === undefined ? Number(process.env.LOSSLESS_RUNS ?? RUNS) : 1;

beforeAll(warmUp, 60_000);

test(`${runs} runs from the seed ${first} on: no word is lost, none is doubled`, async () => {
  const figures: RunFigures[] = [];
  for (let run = 0; run < runs; run += 1) figures.push(await checkRun((first + run) % 2 ** 32));
  if (runs < RUNS) return;
  const connections = figures.reduce((sum, run) => sum + run.connections, 0);
  expect(connections, 'connections, the first of each run included').toBeGreaterThan(2 * runs);
  const struck = new Set(figures.flatMap((run) => run.struck));
  for (const kind of ['drop', 'close', 'halfOpen', 'stopReading', 'handshake', 'slowOpen', 'lateFinals']) {
    expect(struck, 'faults that struck').toContain(kind);
  }
}, 300_000);
