// @ts-check
import { figure } from '../figure.mjs';
import { measureIn, startServer } from '../processes.mjs';
import { median } from '../statistics.mjs';

/** @import { Row } from '../figure.mjs' */
/** @import { BenchServer } from '../processes.mjs' */

const MEGABYTE = 1_000_000;
const CALLS = 1000;
const UPLOADS = 200;
const UPLOAD_BYTES = 5 * MEGABYTE;

/** @type {Row} */
export const httpLatency = {
  id: 'H1',
  async run({ rounds = 3 }) {
    const results = await repeated(rounds, (sinkUrl, { url }) =>
      measureIn('http-latency.mjs', { sinkUrl, url, count: CALLS }),
    );
    const direct = median(results.map((times) => median(times.direct)));
    const http = median(results.map((times) => median(times.http)));
    return [
      figure({
        name: 'H1',
        title: 'POST /transcribe on node:http: median added to transcribe()',
        value: median(results.map((times) => median(times.http) - median(times.direct))),
        unit: 'ms',
        rival: 'transcribe()',
        bar: '<= 1',
        ours: `${http.toFixed(2)} ms`,
        theirs: `${direct.toFixed(2)} ms`,
      }),
    ];
  },
};

/** @type {Row} */
export const httpUploads = {
  id: 'H2',
  async run({ rounds = 3 }) {
    const results = await repeated(rounds, async (_sinkUrl, server) => {
      // Loads the code that is loaded at the first call.
      await measureIn('http-uploads.mjs', { url: server.url, count: 1, bytes: MEGABYTE });
      const { bytes: startBytes } = await server.ask('start');
      const load = { url: server.url, count: UPLOADS, bytes: UPLOAD_BYTES };
      const { answered } = await measureIn('http-uploads.mjs', load);
      if (answered !== UPLOADS) throw new Error(`${answered} of ${UPLOADS} uploads were answered with 200.`);
      return (await server.ask('peak')).bytes - startBytes;
    });
    return [
      figure({
        name: 'H2',
        title: '200 uploads of 5 MB to /http at the same time: peak of the memory above its start',
        value: median(results) / MEGABYTE,
        unit: 'MB',
        rival: 'none',
        bar: '<= 150',
      }),
    ];
  },
};

/**
 * Each round has a server of its own.
 *
 * @template Result
 * @param {number} rounds
 * @param {(sinkUrl: string, server: BenchServer) => Promise<Result>} measure
 * @returns {Promise<Result[]>}
 */
async function repeated(rounds, measure) {
  const sink = await startServer('http-sink.mjs');
  try {
    const results = [];
    for (let round = 0; round < rounds; round += 1) {
      const server = await startServer('http-server.mjs');
      try {
        await server.ask(sink.url);
        results.push(await measure(sink.url, server));
      } finally {
        await server.close();
      }
    }
    return results;
  } finally {
    await sink.close();
  }
}
