// @ts-check
import { startDeepgramEmulator } from 'transcription-client/testing';
import { parameters, report } from '../processes.mjs';

parameters();

// Words at once: the server is not what is measured.
const emulator = await startDeepgramEmulator({
  recognizer: () => [
    { word: 'one', start: 0, end: 0.03, confidence: 0.99 },
    { word: 'two', start: 0.03, end: 0.06, confidence: 0.99 },
  ],
});
report({ url: emulator.url });
