// @ts-check
// Stands in for Deepgram where there is no key. It understands the tones of its own recording alone.
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';

const SENTENCES = [
  'this recording was made for you to try the page',
  'every word lights up while it is played',
  'and a click on a word plays it from there',
];

export const EMULATOR_HOST = '127.0.0.1';

/** @param {number} port The same at each start: jobs that wait know the sample by its URL. */
export async function startEmulator(port) {
  const { EMULATOR_MS = '1200' } = process.env;
  const emulator = await startDeepgramEmulator({
    host: EMULATOR_HOST,
    port,
    processingMs: Number(EMULATOR_MS),
  });
  const phrases = SENTENCES.map((text) => ({ text, pauseAfterSeconds: 1 }));
  const { audio } = synthesizeSpeech(phrases);
  return {
    url: emulator.url,
    sampleUrl: emulator.serveAudio(audio, { path: '/sample.wav' }),
    close: () => emulator.close(),
  };
}
