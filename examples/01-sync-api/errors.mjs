// @ts-check
import { TranscriptionError } from 'transcription-client';

/** @import { Response } from 'express' */

/** Something is wrong with the request itself. */
export class InputError extends Error {
  /**
   * @param {string} field
   * @param {string} problem
   */
  constructor(field, problem, status = 400) {
    super(`${field} ${problem}.`);
    this.field = field;
    this.status = status;
  }
}

/**
 * Of the codes that a call can end with. 401, 402 and 403 are about the server's own key.
 *
 * @type {Readonly<Record<string, number>>}
 */
const STATUS_OF_CODE = {
  not_a_url: 400,
  forbidden_address: 400,
  remote_content: 400,
  bad_request: 400,
  unprocessable_audio: 422,
  idempotency_conflict: 409,
  audio_too_long: 413,
  payload_too_large: 413,
  missing_credentials: 401,
  invalid_credentials: 401,
  payment_required: 402,
  forbidden: 403,
  rate_limited: 429,
  spend_limit: 429,
  too_many_waiting: 429,
  timeout: 504,
  provider_unavailable: 503,
  client_closed: 503,
  provider_error: 502,
  invalid_response: 502,
  network: 502,
};

/** Asks for a pause where nothing tells how long. */
const SHORT_PAUSE_MS = 1000;

/**
 * @param {unknown} error
 * @param {Response} response
 */
export function answerError(error, response) {
  // The client hung up, so nobody reads an answer.
  if (response.destroyed || response.headersSent) return;
  if (TranscriptionError.isInstance(error)) return answerFailedCall(error, response);
  const input = error instanceof InputError ? error : fromBodyParser(error);
  if (input !== undefined) {
    const { field, message, status } = input;
    response.status(status).json({ error: { code: 'invalid_input', field, message } });
    return;
  }
  console.error(error);
  response.status(500).json({ error: { code: 'internal', message: 'Something failed on our side.' } });
}

/**
 * @param {TranscriptionError} error
 * @param {Response} response
 */
function answerFailedCall({ code, message, requestId, retryable, ambiguous, retryAfterMs }, response) {
  const status = STATUS_OF_CODE[code] ?? 500;
  if (status === 429 || status === 503) {
    response.set('retry-after', String(Math.ceil((retryAfterMs ?? SHORT_PAUSE_MS) / 1000)));
  }
  const field = status === 400 ? 'audioUrl' : undefined;
  response.status(status).json({ error: { code, field, message, retryable, ambiguous, requestId } });
}

/**
 * What express.json() throws.
 *
 * @param {unknown} error
 */
function fromBodyParser(error) {
  if (!(error instanceof Error) || !('type' in error)) return undefined;
  if (error.type === 'entity.too.large') return new InputError('body', 'is too large', 413);
  const isClientError = 'status' in error && Number(error.status) >= 400 && Number(error.status) < 500;
  return isClientError ? new InputError('body', 'must be JSON') : undefined;
}
