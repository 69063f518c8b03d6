import { TranscriptionError } from './transcription-error.js';

/** No credentials, or credentials that Deepgram refuses (401, 402, 403). */
export class AuthError extends TranscriptionError {
  override readonly name = 'AuthError';
  protected static override readonly className = 'AuthError';
}

/** Deepgram's limit (429) or the client's own was reached. */
export class RateLimitError extends TranscriptionError {
  override readonly name = 'RateLimitError';
  protected static override readonly className = 'RateLimitError';
}

/** The request is wrong and will stay wrong: fix it before calling again. */
export class BadRequestError extends TranscriptionError {
  override readonly name = 'BadRequestError';
  protected static override readonly className = 'BadRequestError';
}

/** A deadline passed. */
export class TimeoutError extends TranscriptionError {
  override readonly name = 'TimeoutError';
  protected static override readonly className = 'TimeoutError';
}

/** The caller's AbortSignal fired, the job was cancelled, or the client was closed. */
export class AbortedError extends TranscriptionError {
  override readonly name = 'AbortedError';
  protected static override readonly className = 'AbortedError';
}

/** The connection could not be made or broke. */
export class NetworkError extends TranscriptionError {
  override readonly name = 'NetworkError';
  protected static override readonly className = 'NetworkError';
}

/** Deepgram failed (5xx), or answered with something that is no transcript. */
export class ProviderError extends TranscriptionError {
  override readonly name = 'ProviderError';
  protected static override readonly className = 'ProviderError';
}

export class QueueError extends TranscriptionError {
  override readonly name = 'QueueError';
  protected static override readonly className = 'QueueError';
}

export class StorageError extends TranscriptionError {
  override readonly name = 'StorageError';
  protected static override readonly className = 'StorageError';
}

/** What was handed in cannot be read as audio: not a URL, no such file, empty, or already consumed. */
export class UnsupportedSourceError extends TranscriptionError {
  override readonly name = 'UnsupportedSourceError';
  protected static override readonly className = 'UnsupportedSourceError';
}
