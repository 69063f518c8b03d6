import type { HttpSettings } from '../options.js';
import { type Json, ref, type SchemaName } from './json.js';

export const HEADERS = {
  RequestId: {
    description: 'Under this id the log of the server has the request. One that the request brings is kept.',
    schema: { type: 'string' },
  },
  RetryAfter: {
    description: 'Seconds to wait before another request.',
    schema: { type: 'integer', minimum: 1 },
  },
  Location: { description: 'Path of the job.', schema: { type: 'string' } },
  ETag: { description: 'Strong, of the content in this format.', schema: { type: 'string' } },
} as const;

export type HeaderName = keyof typeof HEADERS;

const FIELD_NAMES: Readonly<Record<HeaderName, string>> = {
  RequestId: 'x-request-id',
  RetryAfter: 'retry-after',
  Location: 'location',
  ETag: 'etag',
};

/** Why a request gets no other answer, for people. */
const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request is wrong. `errors` names the fields.',
  401: 'The request carries no valid credentials.',
  403: 'Your scopes do not cover this, or the request names another user.',
  404: 'It is not there, or belongs to somebody else.',
  408: 'No more of the body came.',
  409: 'It contradicts what is there: the same idempotency key with other audio, or a job that has ended.',
  413: 'The body is too large.',
  415: 'The body is of a kind that is not taken.',
  422: 'The audio cannot be read, or its URL not fetched.',
  429: 'Too many requests.',
  500: 'The server failed.',
  502: 'The speech service refused the request, or answered with something else.',
  503: 'The server, or what it depends on, cannot do it now.',
  504: 'The speech service took too long.',
};

/** Whoever is told so may come again. */
const RETRIED: ReadonlySet<number> = new Set([429, 503]);

export type Answers = Readonly<Record<number, Json>>;

export interface AnswerParts {
  readonly headers?: readonly HeaderName[];
  /** By media type. */
  readonly content?: Readonly<Record<string, Json>>;
}

/** Every answer carries its request id. */
export function answer(description: string, { headers = [], content }: AnswerParts = {}): Json {
  const names: readonly HeaderName[] = ['RequestId', ...headers];
  return {
    description,
    headers: Object.fromEntries(
      names.map((name) => [FIELD_NAMES[name], { $ref: `#/components/headers/${name}` }]),
    ),
    ...(content !== undefined && { content }),
  };
}

export function jsonAnswer(
  description: string,
  schema: SchemaName,
  headers: readonly HeaderName[] = [],
): Json {
  return answer(description, { headers, content: { 'application/json': { schema: ref(schema) } } });
}

/** Problems with these statuses, and those that every route with a principal may have. */
export function problems(settings: HttpSettings, statuses: readonly number[]): Answers {
  const limited = settings.limits.requestsPerMinute === undefined ? [] : [429];
  return openProblems([...statuses, 401, 403, ...limited]);
}

/** Of a route that everybody may ask. */
export function openProblems(statuses: readonly number[]): Answers {
  const sorted = [...new Set([...statuses, 400, 500])].sort((a, b) => a - b);
  return Object.fromEntries(
    sorted.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
  );
}

/** The problems themselves, which the operations refer to. */
export function componentResponses(): Json {
  return Object.fromEntries(
    Object.entries(PROBLEMS).map(([status, description]) => [
      `Problem${status}`,
      answer(description, {
        headers: RETRIED.has(Number(status)) ? ['RetryAfter'] : [],
        content: { 'application/problem+json': { schema: ref('Problem') } },
      }),
    ]),
  );
}
