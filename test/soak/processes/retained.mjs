// @ts-check
// `calls` calls of transcribe() and `streams` live sessions, one after the other kind, `parallel` at a time. Prints
// one line of JSON as the process ends: what was left over, the heap after each batch, and how long the end took.
import { writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createMemoryStorage } from 'transcription-client';
import { encodeWav } from 'transcription-client/testing';
import { libraryClient } from '../../bench/processes/clients.mjs';

/** The storage is full, and so grows no more, before the half of a run that is measured. */
const STORED_RECORDS = 200;

const { url, calls, callsPerSample, streams, streamsPerSample, parallel } = JSON.parse(
  process.argv[2] ?? '{}',
);
const audio = Buffer.from(encodeWav(new Int16Array(800), { sampleRate: 16_000, channels: 1 }));
const frame = new Uint8Array(640);
const client = libraryClient(url, {
  storage: createMemoryStorage({ maxRecords: STORED_RECORDS }),
  limits: { maxConcurrent: parallel, maxConcurrentStreams: parallel },
});

let liveObjects = 0;
const registry = new FinalizationRegistry(() => {
  liveObjects -= 1;
});

const startedAt = performance.now();
const callHeap = await runBatches('calls', calls, callsPerSample, transcribeOnce);
const callSeconds = secondsSince(startedAt);
const streamsStartedAt = performance.now();
const streamHeap = await runBatches('streams', streams, streamsPerSample, streamOnce);
const streamSeconds = secondsSince(streamsStartedAt);
await collectGarbage();
const retainedSessions = liveObjects;
await client.close();
const closedAt = performance.now();
const sockets = resources('TCPSocketWrap');
const timers = resources('Timeout');

process.once('exit', () => {
  const exitMs = performance.now() - closedAt;
  const figures = {
    callHeap,
    callSeconds,
    streamHeap,
    streamSeconds,
    retainedSessions,
    sockets,
    timers,
    exitMs,
  };
  writeSync(1, `${JSON.stringify(figures)}\n`);
});

async function transcribeOnce() {
  const { text } = await client.transcribe(audio);
  if (text !== 'one two') throw new Error(`transcribe() returned '${text}'.`);
}

async function streamOnce() {
  const live = client.stream({ encoding: 'linear16', sample_rate: 16_000 });
  liveObjects += 1;
  registry.register(live, undefined);
  for (let sent = 0; sent < 5; sent += 1) await live.send(frame);
  await live.finish();
}

/**
 * Returns the bytes of the heap after each batch.
 *
 * @param {string} what
 * @param {number} count
 * @param {number} perSample
 * @param {() => Promise<void>} once
 */
async function runBatches(what, count, perSample, once) {
  /** @type {number[]} */
  const heap = [];
  for (let done = 0; done < count; done += perSample) {
    await runParallel(Math.min(perSample, count - done), once);
    await collectGarbage();
    heap.push(process.memoryUsage().heapUsed);
    if (heap.length % 20 === 0) process.stderr.write(`${what}: ${done + perSample} of ${count}\n`);
  }
  return heap;
}

/**
 * @param {number} count
 * @param {() => Promise<void>} once
 */
async function runParallel(count, once) {
  let left = count;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await once();
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
}

/** Finalizers, and what they let go of, need turns of their own. */
async function collectGarbage() {
  for (let round = 0; round < 3; round += 1) {
    await nextTurn();
    globalThis.gc?.();
  }
  await nextTurn();
}

/** @param {string} type */
function resources(type) {
  return process.getActiveResourcesInfo().filter((name) => name === type).length;
}

/** @param {number} since */
function secondsSince(since) {
  return (performance.now() - since) / 1000;
}
