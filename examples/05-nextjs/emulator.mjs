// @ts-check
// Stands in for Deepgram where there is no key. It understands the tones of its own recording alone.
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';

const SENTENCES = [
  'this recording was made for you to try the page',
  'every word lights up while it is played',
  'and a click on a word plays it from there',
];

export async function startEmulator() {
  const { EMULATOR_MS = '1200' } = process.env;
  const emulator = await startDeepgramEmulator({ processingMs: Number(EMULATOR_MS) });
  const phrases = SENTENCES.map((text) => ({ text, pauseAfterSeconds: 1 }));
  const { audio } = synthesizeSpeech(phrases);
  return {
    url: emulator.url,
    sampleUrl: emulator.serveAudio(audio, { path: '/sample.wav' }),
    close: () => emulator.close(),
  };
}
