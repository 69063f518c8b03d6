// @ts-check
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { fromFile } from 'transcription-client';
import { synthesizeSpeech } from 'transcription-client/testing';
import { speakAloud } from './speak.mjs';
import { readWav } from './wav.mjs';

/** @import { AudioSource } from 'transcription-client' */
/** @import { PcmAudio } from 'transcription-client/testing' */

/**
 * @typedef {object} DemoAudio
 * @property {string} title
 * @property {number | undefined} durationSeconds Unknown where the file is no WAV.
 * @property {PcmAudio | undefined} pcm The first channel, where the file is a 16-bit WAV.
 * @property {() => AudioSource} source
 * @property {() => AsyncIterable<Uint8Array>} stream
 */

const SENTENCE =
  'hello and welcome this sentence was spoken by the demo itself and every word of it comes back as text';

/**
 * @param {string | undefined} path
 * @returns {Promise<DemoAudio>}
 */
export async function chooseAudio(path) {
  return path === undefined ? ownSentence() : recording(path);
}

/**
 * Deepgram hears people, not tones: with a key, the sentence is spoken with a voice.
 *
 * @returns {DemoAudio}
 */
function ownSentence() {
  const voice = process.env.DEEPGRAM_API_KEY ? speakAloud(SENTENCE) : undefined;
  const audio = voice ?? synthesizeSpeech(SENTENCE).audio;
  const wav = readWav(audio);
  return {
    title: `a sentence of its own, spoken with ${voice ? 'espeak-ng' : 'synthetic speech'}\n       "${SENTENCE}"`,
    durationSeconds: wav?.durationSeconds,
    pcm: wav && { samples: wav.samples, sampleRate: wav.sampleRate },
    source: () => audio,
    stream: async function* () {
      yield audio;
    },
  };
}

/**
 * @param {string} path
 * @returns {Promise<DemoAudio>}
 */
async function recording(path) {
  await assertFile(path);
  const wav = readWav(await readFile(path));
  const length =
    wav === undefined ? 'not a 16-bit WAV' : `${wav.durationSeconds.toFixed(1)} s, ${wav.sampleRate} Hz`;
  return {
    title: `${basename(path)} (${length})`,
    durationSeconds: wav?.durationSeconds,
    pcm: wav === undefined ? undefined : { samples: wav.samples, sampleRate: wav.sampleRate },
    source: () => fromFile(path),
    stream: () => createReadStream(path),
  };
}

/**
 * @param {string} path
 */
async function assertFile(path) {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined)
    throw new Error(`There is no file ${path}. Name a WAV file: npm run demo -- recording.wav`);
  if (!stats.isFile()) throw new Error(`${path} is no file. Name a WAV file: npm run demo -- recording.wav`);
}
