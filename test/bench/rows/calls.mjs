// @ts-check
import { figure } from '../figure.mjs';
import { measureIn, startServer } from '../processes.mjs';
import { interleave, median, medianRatio } from '../statistics.mjs';

/** @import { Row } from '../figure.mjs' */

const RIVAL = '@deepgram/sdk';
const CALLS = 1000;

/** @type {Row} */
export const sequentialCalls = {
  id: 'P1',
  async run({ rounds = 3 }) {
    const { ours, rivals } = await measure(rounds, 1);
    return [
      figure({
        name: 'P1',
        title: 'transcribe(), small body, 1,000 in sequence: wall time',
        value: medianRatio(ours, rivals),
        unit: 'ratio',
        rival: RIVAL,
        bar: '<= 1.0',
        ours: `${Math.round(median(ours))} ms`,
        theirs: `${Math.round(median(rivals))} ms`,
      }),
    ];
  },
};

/** @type {Row} */
export const parallelCalls = {
  id: 'P2',
  async run({ rounds = 9 }) {
    const { ours, rivals } = await measure(rounds, 50);
    return [
      figure({
        name: 'P2',
        title: 'transcribe(), small body, 50 in parallel: calls per second',
        value: medianRatio(rivals, ours),
        unit: 'ratio',
        rival: RIVAL,
        bar: '>= 1.3',
        ours: `${Math.round((CALLS * 1000) / median(ours))}/s`,
        theirs: `${Math.round((CALLS * 1000) / median(rivals))}/s`,
      }),
    ];
  },
};

/**
 * Milliseconds for all calls, per round.
 *
 * @param {number} rounds
 * @param {number} parallel
 */
async function measure(rounds, parallel) {
  const server = await startServer('emulator.mjs');
  try {
    const side = (/** @type {string} */ name) => async () =>
      (await measureIn('calls.mjs', { side: name, url: server.url, count: CALLS, parallel })).ms;
    return await interleave(rounds, side('ours'), side('sdk'));
  } finally {
    await server.close();
  }
}
