import { TranscriptionError } from '../../errors/index.js';

/** One field of the request that is wrong. */
export interface FieldProblem {
  /** Such as `options.model`. */
  readonly field: string;
  readonly message: string;
}

/** The body of every answer that is an error (RFC 9457). */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Such as `invalid_option`; never changes its meaning. */
  readonly code: string;
  readonly requestId: string;
  readonly errors?: readonly FieldProblem[];
}

export interface ProblemDetails {
  readonly status: number;
  readonly code: string;
  /** Shown to whoever asks. */
  readonly detail: string;
  readonly errors?: readonly FieldProblem[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** Ends a request with an answer. */
export class HttpProblem extends Error {
  readonly details: ProblemDetails;

  constructor(details: ProblemDetails) {
    super(details.detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.details = details;
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** Of errors whose status is no matter of their class. */
const STATUS_OF: Readonly<Record<string, number>> = {
  invalid_option: 400,
  unknown_option: 400,
  bad_request: 400,
  unsupported_source: 400,
  not_a_url: 400,
  forbidden_address: 400,
  empty_source: 400,
  stream_failed: 400,
  stream_consumed: 400,
  not_found: 404,
  job_not_found: 404,
  idempotency_conflict: 409,
  job_state: 409,
  payload_too_large: 413,
  audio_too_long: 413,
  unprocessable_audio: 422,
  remote_content: 422,
  rate_limited: 429,
  too_many_waiting: 429,
  spend_limit: 429,
  network: 503,
  connection_closed: 503,
  provider_unavailable: 503,
  queue_unavailable: 503,
  queue_failed: 503,
  storage_unavailable: 503,
  storage_failed: 503,
  storage_full: 503,
  storage_read_only: 503,
  client_closed: 503,
  aborted: 503,
  timeout: 504,
  provider_error: 502,
  invalid_response: 502,
  missing_credentials: 502,
  invalid_credentials: 502,
  forbidden: 502,
  payment_required: 502,
};

/** Of what whoever asks can do nothing about, no more is told than that it is so. */
const VAGUE: Readonly<Record<number, string>> = {
  500: 'The server failed. Its log knows why.',
  503: 'The server cannot do this now. Try again later.',
  502: 'The speech service refused the request or answered with something else. The log of the server knows why.',
};

const DEFAULT_RETRY_SECONDS = 5;

/** What an error is answered with. */
export function detailsOf(error: unknown): ProblemDetails {
  if (error instanceof HttpProblem) return error.details;
  if (!TranscriptionError.isInstance(error)) {
    return { status: 500, code: 'internal', detail: VAGUE[500] as string, cause: error };
  }
  const status = STATUS_OF[error.code] ?? 500;
  const field = status === 400 ? fieldOf(error.message) : undefined;
  const detail = VAGUE[status] ?? error.message;
  return {
    status,
    code: status === 500 ? 'internal' : error.code,
    detail,
    ...(field !== undefined && { errors: [{ field, message: detail }] }),
    ...(status === 429 || status === 503 ? { headers: { 'retry-after': retryAfter(error) } } : {}),
    cause: error,
  };
}

export function problemResponse(details: ProblemDetails, requestId: string): Response {
  const { status, code, detail, errors, headers } = details;
  const problem: Problem = {
    type: 'about:blank',
    title: TITLES[status] ?? 'Error',
    status,
    detail,
    code,
    requestId,
    ...(errors !== undefined && { errors }),
  };
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': requestId,
      ...headers,
    },
  });
}

function retryAfter({ retryAfterMs }: TranscriptionError): string {
  return String(
    retryAfterMs === undefined ? DEFAULT_RETRY_SECONDS : Math.max(1, Math.ceil(retryAfterMs / 1000)),
  );
}

/** The option that a message of this library's is about. */
function fieldOf(message: string): string | undefined {
  return /^(?:The option ([\w.[\]]+) |Unknown option '([^']+)' )/.exec(message)?.slice(1).find(Boolean);
}
