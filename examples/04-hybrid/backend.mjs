// @ts-check
import { randomBytes } from 'node:crypto';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';

/** @import { ClientOptions } from 'transcription-client' */

/**
 * @typedef {object} Backend
 * @property {string} banner For the terminal.
 * @property {ClientOptions} clientOptions
 * @property {string} recording URL of something to transcribe.
 * @property {() => Promise<void>} close
 */

/**
 * Deepgram where there is a key, otherwise a stand-in for it on this machine.
 *
 * @param {string | undefined} apiKey
 * @param {number} emulatorPort
 * @returns {Promise<Backend>}
 */
export async function startBackend(apiKey, emulatorPort) {
  if (apiKey) {
    return {
      banner: 'DEEPGRAM_API_KEY is set: this uses Deepgram, and Deepgram bills it.',
      clientOptions: { apiKey },
      recording: 'https://dpgr.am/spacewalk.wav',
      close: async () => undefined,
    };
  }
  const emulator = await startDeepgramEmulator({ port: emulatorPort });
  return {
    banner: 'DEEPGRAM_API_KEY is not set: this uses the Deepgram emulator. Nothing leaves this machine.',
    // Any key will do. A word would be taken out of every message that has it, as a key is.
    clientOptions: {
      apiKey: randomBytes(20).toString('hex'),
      regions: [{ name: 'emulator', endpoint: emulator.url }],
    },
    recording: emulator.serveAudio(synthesizeSpeech('hello from the router').audio, { path: '/hello.wav' }),
    close: () => emulator.close(),
  };
}
