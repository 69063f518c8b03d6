import { errorFromStatus, type ProviderAnswer } from '../errors/from-status.js';
import {
  AbortedError,
  NetworkError,
  ProviderError,
  TimeoutError,
  type TranscriptionError,
} from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { redactText } from '../net/redact.js';
import { parseRetryAfter } from '../net/retry-after.js';
import type { HttpAnswer } from './http-answer.js';

/** Deepgram's error bodies come in three shapes; fields that are not text are passed over. */
export function errorFromAnswer(answer: HttpAnswer, secrets: readonly string[] = []): TranscriptionError {
  const said = readErrorBody(answer.text, secrets);
  // Handshakes say it in a header.
  const reason = answer.header('dg-error');
  const message = reason === undefined ? said.message : redactText(reason, 300, secrets);
  const requestId = said.requestId ?? requestIdOf(answer.header('dg-request-id'), secrets);
  const retryAfterMs = parseRetryAfter(answer.header, answer.receivedAtMs);
  const details: ProviderAnswer = {
    status: answer.status,
    ...defined({ providerCode: said.code, providerMessage: message, requestId, retryAfterMs }),
  };
  return errorFromStatus(details);
}

interface ErrorBody {
  readonly code?: string;
  readonly message?: string;
  readonly requestId?: string;
}

function readErrorBody(body: string, secrets: readonly string[]): ErrorBody {
  const parsed = parseJson(body);
  if (typeof parsed !== 'object' || parsed === null) {
    return isMarkup(body) || body.trim() === '' ? {} : { message: redactText(body, 300, secrets) };
  }
  const { err_code, err_msg, category, message, details, request_id } = parsed as Record<string, unknown>;
  const code = [err_code, category].find(isText);
  const said = [err_msg, message, details].filter(isText).join(' ');
  return {
    ...(code === undefined ? {} : { code: redactText(code, 80, secrets) }),
    ...(said === '' ? {} : { message: redactText(said, 300, secrets) }),
    ...defined({ requestId: requestIdOf(request_id, secrets) }),
  };
}

/** Of any value that may be one: what is sent in its place is not always an id. */
export function requestIdOf(value: unknown, secrets: readonly string[] = []): string | undefined {
  if (!isText(value)) return undefined;
  const isPlainId =
    /^[\w-]{1,100}$/.test(value) && !secrets.some((secret) => secret !== '' && value.includes(secret));
  return isPlainId ? value : redactText(value, 100, secrets);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isMarkup(body: string): boolean {
  return body.trimStart().startsWith('<');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Node hangs the bytes of an answer that it could not read on the error: they may be of a transcript. */
function dropRawPacket(error: unknown): void {
  if (error instanceof Error) Reflect.deleteProperty(error, 'rawPacket');
}

const CERTIFICATE_CODE = /^(CERT_|DEPTH_|UNABLE_TO_|SELF_SIGNED|ERR_TLS_|HOSTNAME_)/;

/**
 * An error of the socket. Where no byte left the machine Deepgram cannot have processed anything; after
 * that only Deepgram knows, and the end is ambiguous.
 */
export function networkError(
  cause: unknown,
  wasOnTheWire: boolean,
  answered: { status?: number; requestId?: string } = {},
): NetworkError {
  const { code } = cause as { code?: unknown };
  dropRawPacket(cause);
  const shown = typeof code === 'string' ? code : 'unknown error';
  if (CERTIFICATE_CODE.test(shown)) {
    return new NetworkError(
      `The TLS certificate of the endpoint is not accepted (${shown}). Check the endpoint.`,
      {
        code: 'network',
        cause,
      },
    );
  }
  return new NetworkError(
    wasOnTheWire
      ? `The connection broke before the answer was complete (${shown}). Deepgram may have done the work.`
      : `No connection to the endpoint (${shown}). Check the network and the region's endpoint.`,
    { ...answered, code: 'network', retryable: true, ambiguous: wasOnTheWire, cause },
  );
}

/**
 * An end by us while the request was on the wire leaves open whether it was processed. `answered` is what had
 * come of an answer by then.
 */
export function connectionError(
  error: Error,
  wasOnTheWire: boolean,
  answered: { readonly status?: number; readonly requestId?: string } = {},
): Error {
  if (!wasOnTheWire) return error;
  if (error instanceof TimeoutError) {
    return new TimeoutError(error.message, {
      ...answered,
      code: 'timeout',
      retryable: true,
      ambiguous: true,
    });
  }
  if (!(error instanceof AbortedError)) return error;
  const { message, code, cause } = error;
  return new AbortedError(message, { ...answered, code, ambiguous: true, cause });
}

/** Deepgram said 200, and the body is not what was asked for. It was processed, so it is never sent again by itself. */
export function invalidAnswer(
  reason: string,
  answer: HttpAnswer,
  {
    requestId,
    secrets,
    what = 'transcript',
  }: { readonly requestId?: unknown; readonly secrets: readonly string[]; readonly what?: string },
): ProviderError {
  const id = requestIdOf(requestId, secrets) ?? requestIdOf(answer.header('dg-request-id'), secrets);
  return new ProviderError(
    `Deepgram's answer is no ${what}: ${reason}. Check that the endpoint is Deepgram's and that no proxy changes answers.`,
    { code: 'invalid_response', status: answer.status, ...defined({ requestId: id }) },
  );
}
