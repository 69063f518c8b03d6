export { addAdvice, addContext } from './context.js';
export {
  AbortedError,
  AuthError,
  BadRequestError,
  NetworkError,
  ProviderError,
  QueueError,
  RateLimitError,
  StorageError,
  TimeoutError,
  UnsupportedSourceError,
} from './subclasses.js';
export { type ErrorCode, type ErrorDetails, TranscriptionError } from './transcription-error.js';
export { toTranscriptionError } from './wrap.js';
