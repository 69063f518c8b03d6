export { type SignWebhookOptions, signWebhook } from '../webhooks/index.js';
export { type AudioStoreContractOptions, testAudioStoreContract } from './contract/audio-store.js';
export { type ContractLimits, type LimitsContractOptions, testLimitsContract } from './contract/limits.js';
export { type MetricsContractOptions, testMetricsContract } from './contract/metrics.js';
export { type QueueContractOptions, testQueueContract } from './contract/queue.js';
export type { ContractOptions, ContractRunner, ContractTime } from './contract/runner.js';
export { type StorageContractOptions, testStorageContract } from './contract/storage.js';
export {
  type DeepgramEmulator,
  type ServeAudioOptions,
  startDeepgramEmulator,
} from './emulator/emulator.js';
export type {
  FaultCandidate,
  FaultControls,
  FaultHandle,
  FaultRule,
  RandomFaultHandle,
  RandomFaults,
} from './emulator/fault-rules.js';
export type {
  EmulatorFaults,
  ErrorShape,
  FaultStatus,
  HttpFault,
  HttpFaultInput,
  HttpFaultKind,
} from './emulator/faults.js';
export { credentialFingerprint } from './emulator/journal.js';
export type {
  AudioProblem,
  CallbackAttempt,
  EmulatorJournal,
  InFlightInstant,
  LiveRecord,
  ReceivedCredential,
  ReceivedRequest,
  RequestOutcome,
} from './emulator/journal-types.js';
export type {
  LiveFault,
  LiveFaultInput,
  LiveFaultKind,
  LivePoint,
} from './emulator/live-faults.js';
export type { DeepgramEmulatorOptions, LiveOptions } from './emulator/options.js';
export { createFakeClock, type FakeClock, type FakeClockOptions } from './fake-clock.js';
export { type DeepgramHandlerOptions, deepgramHandlers, type MswLike } from './msw.js';
export {
  type DirectionFaults,
  type FaultDirection,
  type FaultProxy,
  type FaultProxyOptions,
  type FaultProxyTarget,
  type FaultScope,
  type ProxyConnections,
  type ProxyFaults,
  type ProxyTraffic,
  startFaultProxy,
} from './proxy/index.js';
export type { PcmAudio, RecognizedWord, Recognizer } from './recognizer.js';
export {
  BROKEN_WORD,
  encodeWav,
  encodeWebm,
  type SpeechFormat,
  type SpeechInput,
  type SpeechPhrase,
  type SpokenWord,
  type SyntheticSpeech,
  synthesizeConversation,
  synthesizeSpeech,
  syntheticSpeechRecognizer,
  type WebmFormat,
} from './speech/index.js';
