import { parseRetryAfter } from '../../net/retry-after.js';
import type { FieldProblem } from '../http/problem.js';

export interface HttpClientErrorDetails {
  readonly code: string;
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly errors?: readonly FieldProblem[] | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Copies of this file in two bundles know each other's errors. */
const BRAND = Symbol.for('transcription-client.http-client-error');

/** What a call of the HTTP client rejects with. */
export class HttpClientError extends Error {
  override readonly name = 'HttpClientError';
  /**
   * The code of the server's problem, such as `invalid_option`, or one of the client's own: `network` (there was no
   * answer), `aborted`, `invalid_response` (an answer that is none of this API's), `http_error` (an error that is none of
   * this API's, such as a proxy's), `token_failed` (the option `token` threw).
   */
  readonly code: string;
  /** Of the answer. Undefined where there was none. */
  readonly status: number | undefined;
  /** Under this id the server's log has the request. */
  readonly requestId: string | undefined;
  /** The fields of the request that are wrong, such as `options.model`. */
  readonly errors: readonly FieldProblem[];
  /** How long the server asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: HttpClientErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.status = details.status;
    this.requestId = details.requestId;
    this.errors = details.errors ?? [];
    this.retryAfterMs = details.retryAfterMs;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Holds across copies of the library, where `instanceof` does not. */
  static isInstance(value: unknown): value is HttpClientError {
    return value instanceof Error && (value as { [BRAND]?: unknown })[BRAND] === true;
  }
}

/** The error of an answer that is none of 2xx. */
export function errorOf({ status, headers }: Response, body: string): HttpClientError {
  const problem = problemOf(body);
  const details = {
    status,
    requestId: text(problem?.requestId) ?? headers.get('x-request-id') ?? undefined,
    retryAfterMs: parseRetryAfter((name) => headers.get(name) ?? undefined, Date.now()),
  };
  const code = text(problem?.code);
  if (code === undefined) {
    return new HttpClientError(`The server answered with status ${status}, and does not say why.`, {
      ...details,
      code: 'http_error',
    });
  }
  const errors = Array.isArray(problem?.errors) ? problem.errors.filter(isFieldProblem) : [];
  return new HttpClientError(text(problem?.detail) ?? `The server answered ${code}.`, {
    ...details,
    code,
    errors,
  });
}

/** Of a request that got no answer, or an answer that broke off. */
export function networkError(cause: unknown, signal: AbortSignal | undefined): HttpClientError {
  if (signal?.aborted) {
    return new HttpClientError('The call was aborted by its AbortSignal.', {
      code: 'aborted',
      cause: signal.reason,
    });
  }
  return new HttpClientError(
    'There was no answer. Check the network, the base URL, and CORS where a page asks.',
    {
      code: 'network',
      cause,
    },
  );
}

export function tokenFailed(cause: unknown): HttpClientError {
  return new HttpClientError('token() has failed. Its error is the cause.', { code: 'token_failed', cause });
}

export function invalidResponse(response: Response): HttpClientError {
  return new HttpClientError('The answer is none of this API. Check the base URL.', {
    code: 'invalid_response',
    status: response.status,
    requestId: response.headers.get('x-request-id') ?? undefined,
  });
}

function problemOf(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isFieldProblem(value: unknown): value is FieldProblem {
  const { field, message } = (value ?? {}) as Partial<FieldProblem>;
  return typeof field === 'string' && typeof message === 'string';
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
