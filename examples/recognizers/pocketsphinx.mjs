// @ts-check
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createGate } from './gate.mjs';
import { resample } from './resample.mjs';

/**
 * @import { PcmAudio, RecognizedWord, Recognizer } from 'transcription-client/testing'
 */

/**
 * @typedef {object} PocketSphinxOptions
 * @property {string} [command] The program, a name on PATH or a path. Default `pocketsphinx_continuous`.
 * @property {number} [concurrency] How many processes may run at a time, at least 1. Default 2.
 */

/**
 * A `Recognizer` that always returns a promise.
 *
 * @typedef {(...call: Parameters<Recognizer>) => Promise<readonly RecognizedWord[]>} PocketSphinxRecognizer
 */

const COMMAND = 'pocketsphinx_continuous';
const ENGLISH_MODEL = '/usr/share/pocketsphinx/model/en-us/en-us/mdef';
const INSTALL = 'sudo apt-get install -y pocketsphinx pocketsphinx-en-us';

/** The rate that the English model was trained on. */
const MODEL_RATE = 16_000;

// The second, flat search costs a third of the time and made no recording better. The third pass, over the
// word lattice, stays: without it every word has the confidence 1.
const SEARCH = ['-fwdflat', 'no', '-maxhmmpf', '10000'];
/** Narrower still, because a live session asks again and again about a few seconds. */
const LIVE_SEARCH = ['-fwdflat', 'no', '-maxhmmpf', '5000'];

/**
 * Real ears for the emulator: Debian's PocketSphinx, a small recogniser of English that needs no network.
 *
 * Expect it to get about every third word wrong. The same audio always gives the same words. A call takes
 * about half a second for loading the model and then a fraction of the audio's length.
 *
 * A call rejects with the signal's reason when it is aborted, and with an Error that names the apt command
 * when the program is missing.
 *
 * @param {PocketSphinxOptions} [options]
 * @returns {PocketSphinxRecognizer}
 */
export function createPocketSphinxRecognizer({ command = COMMAND, concurrency = 2 } = {}) {
  const gate = createGate(concurrency);
  return async (audio, { signal, live }) => {
    signal.throwIfAborted();
    if (audio.samples.length === 0) return [];
    await gate.enter(signal);
    try {
      const output = await withRawFile(audio, (file) =>
        run(command, ['-infile', file, '-time', 'yes', ...(live ? LIVE_SEARCH : SEARCH)], signal),
      );
      return parseWords(output);
    } finally {
      gate.leave();
    }
  };
}

/** Whether the program is on PATH and the English model in its place. */
export function isPocketSphinxInstalled() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return existsSync(ENGLISH_MODEL) && folders.some((folder) => isExecutable(join(folder, COMMAND)));
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @template Result
 * @param {PcmAudio} audio
 * @param {(file: string) => Promise<Result>} use
 * @returns {Promise<Result>}
 */
async function withRawFile({ samples, sampleRate }, use) {
  const folder = await mkdtemp(join(tmpdir(), 'pocketsphinx-'));
  try {
    // PocketSphinx takes a file without a known extension as samples in the machine's own byte order.
    const file = join(folder, 'audio.raw');
    await writeFile(file, resample(samples, sampleRate, MODEL_RATE));
    return await use(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Resolves with what the program printed. Settles only when the process has ended, aborted or not.
 *
 * @param {string} command
 * @param {readonly string[]} parameters
 * @param {AbortSignal} signal
 * @returns {Promise<string>}
 */
function run(command, parameters, signal) {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...parameters, '-logfn', '/dev/null'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    let output = '';
    let complaints = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      complaints += text;
    });
    child.on('error', (error) => {
      // An abort is an error too. There the process runs for a moment longer, and 'close' follows.
      if (child.pid === undefined) reject(startError(command, error));
    });
    child.on('close', (code, killedBy) => {
      if (signal.aborted) reject(signal.reason);
      else if (code === 0) resolve(output);
      else reject(exitError(command, code ?? killedBy, complaints));
    });
  });
}

/**
 * @param {string} command
 * @param {NodeJS.ErrnoException} cause
 */
function startError(command, cause) {
  const problem = cause.code === 'ENOENT' ? 'was not found' : `did not start (${cause.message})`;
  return new Error(`PocketSphinx: ${command} ${problem}. Install it with: ${INSTALL}`, { cause });
}

/**
 * @param {string} command
 * @param {number | string | null} end
 * @param {string} complaints
 */
function exitError(command, end, complaints) {
  const advice = existsSync(ENGLISH_MODEL) ? '' : ` Its English model is missing: ${INSTALL}`;
  return new Error(`PocketSphinx: ${command} ended with ${end}.${advice} ${complaints}`.trim());
}

/**
 * Reads lines such as `and(2) 1.590 1.830 0.170673`: word and number of its pronunciation, start, end,
 * posterior probability. The other lines are the utterances' texts.
 *
 * PocketSphinx cuts the audio into utterances at pauses, but its times run on from the first sample.
 *
 * @param {string} output
 * @returns {RecognizedWord[]}
 */
function parseWords(output) {
  return [...output.matchAll(/^(\S+) (\d+\.\d+) (\d+\.\d+) (\d+\.\d+)$/gm)]
    .filter(([, token = '']) => !isFiller(token))
    .map(([, token = '', start, end, posterior]) => ({
      word: token.replace(/\(\d+\)$/, ''),
      start: Number(start),
      end: Number(end),
      confidence: Math.min(1, Number(posterior)),
    }));
}

/**
 * Silence and noises: `<s>`, `</s>`, `<sil>`, `[NOISE]`, `++COUGH++`.
 *
 * @param {string} token
 */
function isFiller(token) {
  return /^(<.*>|\[.*\]|\+\+.*\+\+)$/.test(token);
}
