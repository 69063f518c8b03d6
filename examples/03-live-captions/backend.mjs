// @ts-check
import {
  BROKEN_WORD,
  startDeepgramEmulator,
  startFaultProxy,
  syntheticSpeechRecognizer,
} from 'transcription-client/testing';
import { speakAloud } from '../demo/speak.mjs';
import { createPocketSphinxRecognizer } from '../recognizers/pocketsphinx.mjs';
import { CONVERSATION_TEXT, createConversation, createTurns } from './samples.mjs';

/** @import { ClientOptions } from 'transcription-client' */
/** @import { Recognizer } from 'transcription-client/testing' */
/** @import { Sample } from './samples.mjs' */

/**
 * @typedef {object} Backend
 * @property {string} name For the page.
 * @property {string} banner For the terminal.
 * @property {ClientOptions} clientOptions
 * @property {boolean} hearsTones It understands synthetic speech.
 * @property {boolean} hearsSpeech It understands people.
 * @property {Readonly<Record<string, Sample>>} samples By mode. Empty where there is nothing that can speak.
 * @property {((milliseconds: number) => void) | undefined} cut Breaks all connections to it, and refuses new ones for a while.
 * @property {() => Promise<void>} close
 */

/**
 * Deepgram where there is a key, otherwise the emulator.
 *
 * @param {{ apiKey: string | undefined, usePocketSphinx: boolean }} options
 * @returns {Promise<Backend>}
 */
export async function startBackend({ apiKey, usePocketSphinx }) {
  return apiKey ? deepgram(apiKey) : emulator(usePocketSphinx);
}

/**
 * Deepgram hears people, not tones: the sample is spoken with a voice, where there is one.
 *
 * @param {string} apiKey
 * @returns {Backend}
 */
function deepgram(apiKey) {
  const audio = speakAloud(CONVERSATION_TEXT);
  const sample = audio && { audio, people: [], words: undefined };
  return {
    name: 'Deepgram',
    banner: 'DEEPGRAM_API_KEY is set: this uses Deepgram, and Deepgram bills it.',
    clientOptions: { apiKey },
    hearsTones: false,
    hearsSpeech: true,
    samples: sample === undefined ? {} : { captions: sample, turns: sample },
    // Its connections are encrypted up to Deepgram: nothing in between can break them.
    cut: undefined,
    close: async () => undefined,
  };
}

/**
 * The client reaches it through a proxy that can break connections, as a network does.
 *
 * @param {boolean} usePocketSphinx
 * @returns {Promise<Backend>}
 */
async function emulator(usePocketSphinx) {
  const recognizer = earsForTones(usePocketSphinx ? createPocketSphinxRecognizer() : () => []);
  const deepgram = await startDeepgramEmulator({ recognizer });
  const proxy = await startFaultProxy({ target: deepgram.url });
  /** @type {NodeJS.Timeout | undefined} */
  let healing;
  return {
    name: 'Deepgram emulator',
    banner: `DEEPGRAM_API_KEY is not set: this uses the Deepgram emulator. Nothing leaves this machine.${
      usePocketSphinx
        ? '\nPocketSphinx listens to speech: expect about every third word to be wrong.'
        : '\nIt understands the sample alone. With --pocketsphinx it listens to speech too.'
    }`,
    clientOptions: { apiKey: 'demo', regions: [{ name: 'emulator', endpoint: proxy.url }] },
    hearsTones: true,
    hearsSpeech: usePocketSphinx,
    samples: { captions: createConversation(), turns: createTurns() },
    cut(milliseconds) {
      proxy.set({ refuse: true });
      proxy.reset();
      clearTimeout(healing);
      healing = setTimeout(() => proxy.heal(), milliseconds);
    },
    async close() {
      clearTimeout(healing);
      await proxy.close();
      await deepgram.close();
    },
  };
}

/**
 * Synthetic speech, and for what is none, such as a person's voice, somebody else's ears.
 *
 * @param {Recognizer} others
 * @returns {Recognizer}
 */
function earsForTones(others) {
  return async (audio, context) => {
    const words = await syntheticSpeechRecognizer(audio, context);
    // Where nothing but broken words is heard, these were no tones.
    return words.some(({ word }) => word !== BROKEN_WORD) ? words : others(audio, context);
  };
}
