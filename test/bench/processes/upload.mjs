// @ts-check
// One upload of a file. Reports milliseconds and the peak of the memory above its start, in bytes.
import { createReadStream, statSync } from 'node:fs';
import { request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { fromFile } from 'transcription-client';
import { parameters, report } from '../processes.mjs';
import { libraryClient, rawSdk } from './clients.mjs';

const SAMPLE_MS = 5;

const { side, url, warmUpPath, path } = parameters();
/** @type {Record<string, () => (file: string) => Promise<unknown>>} */
const sides = { ours: libraryUpload, sdk: sdkUpload, http: httpUpload };
const upload = sides[side]?.();
if (upload === undefined) throw new Error(`Unknown side: ${side}`);

// Loads the code that is loaded at the first call.
await upload(warmUpPath);
const startBytes = process.memoryUsage.rss();
const earlierPeak = process.resourceUsage().maxRSS * 1024;
let peakBytes = startBytes;
const sampler = setInterval(() => {
  peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
}, SAMPLE_MS);
const startedAt = performance.now();
await upload(path);
const ms = performance.now() - startedAt;
clearInterval(sampler);
// The system's own record also has the peaks between two samples.
const systemPeak = process.resourceUsage().maxRSS * 1024;
if (systemPeak > earlierPeak) peakBytes = Math.max(peakBytes, systemPeak);
report({ ms, peakBytes: peakBytes - startBytes });

function libraryUpload() {
  const client = libraryClient(url);
  return (/** @type {string} */ file) => client.transcribe(fromFile(file));
}

function sdkUpload() {
  const { media } = rawSdk(url).listen.v1;
  return (/** @type {string} */ file) => media.transcribeFile({ path: file }, { model: 'nova-3' });
}

function httpUpload() {
  return async (/** @type {string} */ file) => {
    const headers = { 'content-type': 'audio/wav', 'content-length': statSync(file).size };
    const outgoing = request(`${url}/v1/listen`, { method: 'POST', headers });
    const answered = new Promise((resolve, reject) => {
      outgoing.once('error', reject);
      outgoing.once('response', (response) => response.resume().once('end', resolve));
    });
    await Promise.all([pipeline(createReadStream(file), outgoing), answered]);
  };
}
