// @ts-check
// Calls of transcribe() and uploads to /http, in turn. Reports the milliseconds of each.
import { Agent, request } from 'node:http';
import { encodeWav } from 'transcription-client/testing';
import { parameters, report } from '../processes.mjs';
import { libraryClient } from './clients.mjs';

const WARM_UP_CALLS = 200;

const { sinkUrl, url, count } = parameters();
const client = libraryClient(sinkUrl);
const agent = new Agent({ keepAlive: true });
const audio = Buffer.from(encodeWav(new Int16Array(1600), { sampleRate: 16_000, channels: 1 }));

await measure(WARM_UP_CALLS);
report(await measure(count));

/** @param {number} calls */
async function measure(calls) {
  /** @type {{ direct: number[], http: number[] }} */
  const times = { direct: [], http: [] };
  for (let call = 0; call < calls; call += 1) {
    times.direct.push(await timed(() => client.transcribe(audio)));
    times.http.push(await timed(upload));
  }
  return times;
}

/** @param {() => Promise<unknown>} run */
async function timed(run) {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}

function upload() {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'audio/wav', 'content-length': audio.length };
    const outgoing = request(
      `${url}/transcribe?mode=sync`,
      { method: 'POST', agent, headers },
      (response) => {
        if (response.statusCode !== 200) reject(new Error(`/http answered ${response.statusCode}.`));
        response.resume().once('end', () => resolve(undefined));
      },
    );
    outgoing.once('error', reject).end(audio);
  });
}
