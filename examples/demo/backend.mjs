// @ts-check
import { BROKEN_WORD, startDeepgramEmulator, syntheticSpeechRecognizer } from 'transcription-client/testing';
import { createPocketSphinxRecognizer, isPocketSphinxInstalled } from '../recognizers/pocketsphinx.mjs';

/** @import { ClientOptions } from 'transcription-client' */
/** @import { Recognizer } from 'transcription-client/testing' */
/** @import { DemoAudio } from './audio.mjs' */

/**
 * @typedef {object} Backend
 * @property {string} banner
 * @property {ClientOptions} clientOptions
 * @property {() => Promise<void>} close
 */

/**
 * Deepgram where there is a key, otherwise the emulator.
 *
 * @param {DemoAudio} audio
 * @returns {Promise<Backend>}
 */
export async function chooseBackend(audio) {
  const isSynthetic = await isSyntheticSpeech(audio);
  if (process.env.DEEPGRAM_API_KEY) {
    if (isSynthetic) {
      throw new Error(
        'DEEPGRAM_API_KEY is set, and Deepgram does not understand synthetic speech. ' +
          'Pass a recording (npm run demo -- recording.wav), or install espeak-ng.',
      );
    }
    return {
      banner: 'DEEPGRAM_API_KEY is set: this demo uses Deepgram, and Deepgram bills it.',
      clientOptions: {},
      close: async () => undefined,
    };
  }
  const { recognizer, name } = chooseRecognizer(isSynthetic);
  const emulator = await startDeepgramEmulator({ recognizer });
  return {
    banner: [
      `DEEPGRAM_API_KEY is not set: this demo uses the Deepgram emulator on ${emulator.url}.`,
      'The library speaks real HTTP and WebSocket to it. Nothing leaves this machine.',
      `Recognizer: ${name}`,
    ].join('\n'),
    clientOptions: { apiKey: 'demo', regions: [{ name: 'emulator', endpoint: emulator.url }] },
    close: () => emulator.close(),
  };
}

/**
 * @param {boolean} isSynthetic
 * @returns {{ recognizer: Recognizer, name: string }}
 */
function chooseRecognizer(isSynthetic) {
  if (isSynthetic) {
    return {
      recognizer: syntheticSpeechRecognizer,
      name: 'synthetic speech, decoded from the bytes that arrive',
    };
  }
  if (isPocketSphinxInstalled()) {
    return {
      recognizer: createPocketSphinxRecognizer(),
      name: 'PocketSphinx (small and local: expect about every third word to be wrong)',
    };
  }
  return {
    recognizer: syntheticSpeechRecognizer,
    name:
      'synthetic speech only, so human speech will not be understood. For real recognition run:\n' +
      '            sudo apt-get install -y pocketsphinx pocketsphinx-en-us',
  };
}

/**
 * @param {DemoAudio} audio
 */
async function isSyntheticSpeech({ pcm }) {
  if (pcm === undefined) return false;
  const words = await syntheticSpeechRecognizer(pcm, { signal: new AbortController().signal, live: false });
  return words.length > 0 && words.every(({ word }) => word !== BROKEN_WORD);
}
