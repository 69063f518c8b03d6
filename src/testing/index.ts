export {
  type DeepgramEmulator,
  type ServeAudioOptions,
  startDeepgramEmulator,
} from './emulator/emulator.js';
export type { LiveRecord, ReceivedRequest } from './emulator/journal.js';
export type { DeepgramEmulatorOptions, LiveOptions } from './emulator/options.js';
export { type DeepgramHandlerOptions, deepgramHandlers, type MswLike } from './msw.js';
export type { PcmAudio, RecognizedWord, Recognizer } from './recognizer.js';
export {
  BROKEN_WORD,
  encodeWav,
  type SpeechFormat,
  type SpeechInput,
  type SpeechPhrase,
  type SpokenWord,
  type SyntheticSpeech,
  synthesizeConversation,
  synthesizeSpeech,
  syntheticSpeechRecognizer,
} from './speech/index.js';
