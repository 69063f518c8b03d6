export { createMemoryQueue, createMemoryStorage } from './adapters/memory/index.js';
export { fromFile, fromStream } from './audio/sources.js';
export type { EnqueueRequest, Jobs, Transcripts } from './client.js';
export { TranscriptionClient } from './client.js';
export type * from './contracts/index.js';
export {
  AbortedError,
  AuthError,
  BadRequestError,
  type ErrorCode,
  NetworkError,
  ProviderError,
  QueueError,
  RateLimitError,
  StorageError,
  TimeoutError,
  TranscriptionError,
  UnsupportedSourceError,
} from './errors/index.js';
export type { SubmitOutcome } from './hybrid/submit.js';
export type { LiveTranscription } from './streaming/live-transcription.js';
export { toSrt, toVtt } from './transcript/captions.js';
export { type PlainTextOptions, toPlainText } from './transcript/plain-text.js';
