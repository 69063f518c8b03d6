import {
  AbortedError,
  AuthError,
  BadRequestError,
  type ErrorDetails,
  NetworkError,
  ProviderError,
  RateLimitError,
  TimeoutError,
  TranscriptionError,
  UnsupportedSourceError,
} from '../errors/index.js';

/** Those that a live session may end with. Named one by one, because bundlers keep less of them so. */
const CLASSES: ReadonlyMap<string, typeof TranscriptionError> = new Map(
  Object.entries({
    AbortedError,
    AuthError,
    BadRequestError,
    NetworkError,
    ProviderError,
    RateLimitError,
    TimeoutError,
    UnsupportedSourceError,
  }),
);

/** An error of the class with the name. The bridge's come as data too. */
export function createError(name: string, message: string, details: ErrorDetails): TranscriptionError {
  return new (CLASSES.get(name) ?? TranscriptionError)(message, details);
}

/** Of a part that is loaded when it is needed. */
export function notLoadedError(cause: unknown): TranscriptionError {
  return createError(
    'NetworkError',
    'A part of the library could not be loaded. Check the network, and try again.',
    {
      code: 'network',
      retryable: true,
      cause,
    },
  );
}
