import { it } from 'vitest';
import { checkRun } from '../streaming/lossless/check-run.js';
import { warmUp } from '../streaming/lossless/perform.js';
import { soak } from './soak.js';

it('no run loses or doubles a word, whatever happens to its connections', async () => {
  await warmUp();
  await soak({
    name: 'lossless',
    count: 1000,
    leastCount: 5,
    // Each has the clock and the random numbers of the process to itself.
    parallel: 1,
    async run({ dice, tally, note }) {
      const seed = dice.seed();
      note({ LOSSLESS_SEED: seed });
      const { words, connections, struck } = await checkRun(seed);
      tally.count('runs with every word once');
      tally.largest('words of a run, at most', words);
      tally.largest('connections of a run, at most', connections);
      for (const kind of struck) tally.count(kind);
    },
  });
}, 1_800_000);
