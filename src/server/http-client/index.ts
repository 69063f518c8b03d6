import { TranscriptionHttpClient } from './client.js';
import { type HttpClientOptions, resolveHttpClientOptions } from './options.js';

export type { FieldProblem } from '../http/problem.js';
export type { TranscriptionHttpClient } from './client.js';
export { HttpClientError, type HttpClientErrorDetails } from './http-client-error.js';
export type { HttpClientOptions } from './options.js';
export type {
  AsyncAnswer,
  AudioBody,
  CallOptions,
  DeepgramRequestOptions,
  HealthAnswer,
  JobAnswer,
  JobEventAnswer,
  StreamAnswer,
  SyncAnswer,
  TokenAnswer,
  TranscribeAnswer,
  TranscribeRequest,
  TranscriptFormat,
  UploadOptions,
} from './types.js';

/**
 * A client of the HTTP API that `createHandlers()` serves, for pages and other services. It needs nothing but `fetch`.
 *
 * ```ts
 * const speech = createHttpClient({ baseUrl: '/api/speech' });
 * const answer = await speech.transcribe(file, { options: { smart_format: true } });
 * ```
 *
 * Throws a BadRequestError for options that are unknown or out of range.
 */
export function createHttpClient(options: HttpClientOptions): TranscriptionHttpClient {
  return new TranscriptionHttpClient(resolveHttpClientOptions(options));
}
