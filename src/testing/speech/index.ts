export type { SpeechFormat } from './format.js';
export { BROKEN_WORD, syntheticSpeechRecognizer } from './recognize.js';
export type { SpeechInput, SpeechPhrase } from './script.js';
export {
  type SpokenWord,
  type SyntheticSpeech,
  synthesizeConversation,
  synthesizeSpeech,
} from './synthesize.js';
export { encodeWav } from './wav.js';
export { encodeWebm, type WebmFormat } from './webm.js';
