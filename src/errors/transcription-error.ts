import type { ErrorData } from '../contracts/error-data.js';

/**
 * Every reason for which this library fails. A code never changes its meaning; new ones may join.
 */
export type ErrorCode =
  // Credentials and account
  | 'missing_credentials'
  | 'invalid_credentials'
  | 'forbidden'
  | 'payment_required'
  // The caller's options
  | 'invalid_option'
  | 'unknown_option'
  | 'bad_request'
  | 'not_found'
  | 'idempotency_conflict'
  // A browser's microphone
  | 'microphone_denied'
  | 'microphone_missing'
  | 'microphone_busy'
  | 'microphone_unsupported'
  // The audio
  | 'unsupported_source'
  | 'not_a_url'
  | 'empty_source'
  | 'file_not_found'
  | 'file_not_readable'
  | 'not_a_file'
  | 'outside_root'
  | 'stream_consumed'
  | 'stream_failed'
  | 'unprocessable_audio'
  | 'payload_too_large'
  | 'remote_content'
  | 'forbidden_address'
  | 'audio_too_long'
  // Limits
  | 'rate_limited'
  | 'too_many_waiting'
  | 'spend_limit'
  // Time and abort
  | 'timeout'
  | 'aborted'
  | 'client_closed'
  | 'job_cancelled'
  // Network and Deepgram
  | 'network'
  | 'connection_closed'
  | 'provider_unavailable'
  | 'provider_error'
  | 'invalid_response'
  // Queue, storage, live
  | 'queue_failed'
  | 'queue_unavailable'
  | 'queue_misconfigured'
  | 'audio_not_shared'
  | 'lease_lost'
  | 'job_stalled'
  | 'invalid_signature'
  | 'job_not_found'
  | 'job_state'
  | 'storage_failed'
  | 'storage_unavailable'
  | 'storage_full'
  | 'storage_read_only'
  | 'storage_corrupt'
  | 'storage_schema'
  | 'storage_not_atomic'
  | 'record_too_large'
  | 'decryption_failed'
  | 'audio_not_found'
  | 'live_ended'
  | 'live_consumed'
  | 'internal';

export interface ErrorDetails {
  readonly code: ErrorCode;
  /** The same call may succeed later. */
  readonly retryable?: boolean;
  /** Deepgram may have processed, and billed, the request all the same. */
  readonly ambiguous?: boolean;
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** Deepgram's id of the request. */
  readonly requestId?: string;
  readonly region?: string;
  /** The attempt that failed last, from 1. */
  readonly attempt?: number;
  /** How long Deepgram asked to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

const BRAND = Symbol.for('transcription-client.error');

/**
 * The only error type that leaves this library.
 *
 * Its message says what to do next, and neither it nor its fields hold a key, a token, a signed URL or a
 * transcript.
 */
export class TranscriptionError extends Error {
  override readonly name: string = 'TranscriptionError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly ambiguous: boolean;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly region: string | undefined;
  readonly attempt: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.retryable = details.retryable ?? false;
    this.ambiguous = details.ambiguous ?? false;
    this.status = details.status;
    this.requestId = details.requestId;
    this.region = details.region;
    this.attempt = details.attempt;
    this.retryAfterMs = details.retryAfterMs;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** True for errors of every copy of this library in the process, ESM and CommonJS alike. */
  static isInstance(value: unknown): value is TranscriptionError {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
  }

  /** Lets `instanceof` hold across copies of the library, subclasses by their name. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (!TranscriptionError.isInstance(value)) return false;
    // biome-ignore-start lint/complexity/noThisInStatic: `this` is the class on the right of instanceof.
    if (this === TranscriptionError) return true;
    if (Object.hasOwn(this, 'className') && value.name === this.className) return true;
    // A class that extends one of ours has no name that another copy of the library could know.
    return Object.prototype.isPrototypeOf.call(this.prototype, value);
    // biome-ignore-end lint/complexity/noThisInStatic: see above
  }

  /** @internal */
  protected static readonly className: string = 'TranscriptionError';

  /** Plain data, safe to store, to log and to send. Cause and stack stay out. */
  toJSON(): ErrorData {
    const data: Record<string, unknown> = {
      name: this.name,
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ambiguous: this.ambiguous,
    };
    for (const key of ['status', 'requestId', 'region', 'attempt'] as const) {
      if (this[key] !== undefined) data[key] = this[key];
    }
    return data as unknown as ErrorData;
  }
}
