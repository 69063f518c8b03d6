import {
  AuthError,
  BadRequestError,
  ProviderError,
  RateLimitError,
  TimeoutError,
  UnsupportedSourceError,
} from './subclasses.js';
import type { ErrorCode, ErrorDetails, TranscriptionError } from './transcription-error.js';

/** What Deepgram's answer said, in any of its three error shapes, already cleaned of secrets. */
export interface ProviderAnswer {
  readonly status: number;
  /** `err_code` or `category`. */
  readonly providerCode?: string;
  readonly providerMessage?: string;
  readonly requestId?: string;
  readonly region?: string;
  readonly attempt?: number;
  readonly retryAfterMs?: number;
}

type ErrorClass = new (message: string, details: ErrorDetails) => TranscriptionError;

interface Rule {
  readonly ErrorClass: ErrorClass;
  readonly code: ErrorCode;
  readonly advice: string;
  readonly retryable?: boolean;
  readonly ambiguous?: boolean;
}

const RULES: Readonly<Record<number, Rule>> = {
  400: {
    ErrorClass: BadRequestError,
    code: 'bad_request',
    advice: 'Check the options, and that the body is audio in a format that Deepgram reads.',
  },
  401: {
    ErrorClass: AuthError,
    code: 'invalid_credentials',
    advice: 'Check the API key or access token, and that it belongs to this endpoint.',
  },
  402: { ErrorClass: AuthError, code: 'payment_required', advice: 'Add credit to the Deepgram project.' },
  403: {
    ErrorClass: AuthError,
    code: 'forbidden',
    advice: 'Give the key the scope, and the project the access to the model, that the request needs.',
  },
  404: { ErrorClass: BadRequestError, code: 'not_found', advice: 'Check the endpoint and the model name.' },
  408: {
    ErrorClass: TimeoutError,
    code: 'timeout',
    advice: 'The upload was too slow. Use a faster link, or hand in a URL.',
    retryable: true,
  },
  413: {
    ErrorClass: BadRequestError,
    code: 'payload_too_large',
    advice: 'Deepgram takes at most 2 GB. Compress or split the audio.',
  },
  422: {
    ErrorClass: UnsupportedSourceError,
    code: 'unprocessable_audio',
    advice: 'Check that the audio is complete.',
  },
  429: {
    ErrorClass: RateLimitError,
    code: 'rate_limited',
    advice: 'Lower limits.maxConcurrent or limits.requestsPerMinute, or use enqueue().',
    retryable: true,
  },
  500: { ErrorClass: ProviderError, code: 'provider_error', advice: 'Call again later.', retryable: true },
  502: {
    ErrorClass: ProviderError,
    code: 'provider_unavailable',
    advice: 'Call again later.',
    retryable: true,
  },
  503: {
    ErrorClass: ProviderError,
    code: 'provider_unavailable',
    advice: 'Call again later.',
    retryable: true,
  },
  // The gateway gave up while Deepgram may still be working, and will bill the work.
  504: {
    ErrorClass: ProviderError,
    code: 'timeout',
    advice: 'Processing took too long. Split the audio or choose a faster model.',
    retryable: true,
    ambiguous: true,
  },
};

const OTHER_CLIENT_ERROR: Rule = {
  ErrorClass: BadRequestError,
  code: 'bad_request',
  advice: 'Check the options and the audio.',
};

const OTHER: Rule = { ErrorClass: ProviderError, code: 'provider_error', advice: 'Call again later.' };

/** The one place that maps an HTTP status to an error class and decides whether it may be retried. */
export function errorFromStatus(answer: ProviderAnswer): TranscriptionError {
  const { status, providerCode, providerMessage, ...details } = answer;
  const rule = ruleFor(status, providerCode);
  const said = saying(providerCode, providerMessage);
  return new rule.ErrorClass(`Deepgram answered ${status}${said ? ` (${said})` : ''}. ${rule.advice}`, {
    ...details,
    status,
    code: rule.code,
    retryable: rule.retryable ?? false,
    ambiguous: rule.ambiguous ?? false,
  });
}

/** Some of Deepgram's messages begin with the code already. */
function saying(providerCode = '', providerMessage = ''): string {
  if (providerMessage.toLowerCase().startsWith(providerCode.toLowerCase())) return providerMessage;
  return [providerCode, providerMessage].filter(Boolean).join(': ');
}

function ruleFor(status: number, providerCode: string | undefined): Rule {
  if (providerCode === 'REMOTE_CONTENT_ERROR') {
    return {
      ErrorClass: BadRequestError,
      code: 'remote_content',
      advice: 'Deepgram could not fetch the URL. Check that it is public and answers with audio.',
    };
  }
  const rule = RULES[status];
  if (rule !== undefined) return rule;
  if (status >= 400 && status < 500) return OTHER_CLIENT_ERROR;
  return status >= 500 ? { ...OTHER, retryable: true, ambiguous: true } : OTHER;
}
