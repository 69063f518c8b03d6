// @ts-check
// `count` calls with a small body, `parallel` of them at a time. Reports milliseconds.
import { encodeWav } from 'transcription-client/testing';
import { parameters, report } from '../processes.mjs';
import { libraryClient, rawSdk } from './clients.mjs';

const WARM_UP_CALLS = 200;

const { side, url, count, parallel } = parameters();
const body = Buffer.from(encodeWav(new Int16Array(1600), { sampleRate: 16_000, channels: 1 }));
const call = side === 'ours' ? libraryCall() : sdkCall();

await run(WARM_UP_CALLS);
const startedAt = performance.now();
await run(count);
report({ ms: performance.now() - startedAt });

function libraryCall() {
  const client = libraryClient(url);
  return () => client.transcribe(body);
}

function sdkCall() {
  const { media } = rawSdk(url).listen.v1;
  return () => media.transcribeFile(body, { model: 'nova-3' });
}

/** @param {number} calls */
async function run(calls) {
  let left = calls;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
}
