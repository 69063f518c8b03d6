// @ts-check
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figure } from '../figure.mjs';
import { measureIn, startServer } from '../processes.mjs';
import { interleave, median, medianRatio } from '../statistics.mjs';

/** @import { Row } from '../figure.mjs' */

const MEGABYTE = 1_000_000;

/** @type {Row} */
export const uploadMemory = {
  id: 'P3',
  async run({ rounds = 3 }) {
    const { ours, rivals } = await measure(rounds, 1024 ** 3, 'sdk');
    const peaks = (/** @type {Upload[]} */ uploads) =>
      median(uploads.map(({ peakBytes }) => peakBytes / MEGABYTE));
    return [
      figure({
        name: 'P3',
        title: 'Upload of 1 GiB from a file: peak of the memory above its start',
        value: peaks(ours),
        unit: 'MB',
        rival: '@deepgram/sdk',
        bar: '<= 48',
        ours: `${Math.round(peaks(ours))} MB`,
        theirs: `${Math.round(peaks(rivals))} MB`,
      }),
    ];
  },
};

/** @type {Row} */
export const uploadThroughput = {
  id: 'P4',
  async run({ rounds = 7 }) {
    const bytes = 100 * MEGABYTE;
    const { ours, rivals } = await measure(rounds, bytes, 'http');
    const times = (/** @type {Upload[]} */ uploads) => uploads.map(({ ms }) => ms);
    const speed = (/** @type {Upload[]} */ uploads) => Math.round(bytes / 1000 / median(times(uploads)));
    return [
      figure({
        name: 'P4',
        title: 'Upload of 100 MB from a file: throughput',
        value: medianRatio(times(rivals), times(ours)),
        unit: 'ratio',
        rival: 'http.request with pipeline',
        bar: '>= 0.9',
        ours: `${speed(ours)} MB/s`,
        theirs: `${speed(rivals)} MB/s`,
      }),
    ];
  },
};

/** @typedef {{ ms: number, peakBytes: number }} Upload */

/**
 * @param {number} rounds
 * @param {number} bytes
 * @param {'sdk' | 'http'} rival
 * @returns {Promise<{ ours: Upload[], rivals: Upload[] }>}
 */
async function measure(rounds, bytes, rival) {
  const folder = await mkdtemp(join(tmpdir(), 'transcription-bench-'));
  const server = await startServer('http-sink.mjs');
  try {
    const path = await sparseFile(folder, 'audio.wav', bytes);
    const warmUpPath = await sparseFile(folder, 'warm-up.wav', MEGABYTE);
    const side = (/** @type {string} */ name) => () =>
      measureIn('upload.mjs', { side: name, url: server.url, warmUpPath, path });
    return await interleave(rounds, side('ours'), side(rival));
  } finally {
    await server.close();
    await rm(folder, { recursive: true });
  }
}

/**
 * Takes no room on the disk.
 *
 * @param {string} folder
 * @param {string} name
 * @param {number} bytes
 */
async function sparseFile(folder, name, bytes) {
  const path = join(folder, name);
  await writeFile(path, '');
  await truncate(path, bytes);
  return path;
}
