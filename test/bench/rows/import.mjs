// @ts-check
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { figure } from '../figure.mjs';
import { interleave, median, medianRatio } from '../statistics.mjs';

/** @import { Row } from '../figure.mjs' */

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** @type {Row} */
export const coldImport = {
  id: 'P9',
  async run({ rounds = 10 }) {
    const { ours, rivals } = await interleave(
      rounds,
      () => importTime('transcription-client'),
      () => importTime('@deepgram/sdk'),
    );
    return [
      figure({
        name: 'P9',
        title: 'Import in a new process',
        value: medianRatio(ours, rivals),
        unit: 'ratio',
        rival: '@deepgram/sdk',
        bar: '<= 0.2',
        ours: `${Math.round(median(ours))} ms`,
        theirs: `${Math.round(median(rivals))} ms`,
      }),
    ];
  },
};

/** @param {string} specifier */
async function importTime(specifier) {
  const code = `const startedAt = performance.now(); await import('${specifier}'); console.log(performance.now() - startedAt);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: root,
  });
  return Number(stdout);
}
