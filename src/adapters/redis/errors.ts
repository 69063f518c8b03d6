import {
  AbortedError,
  BadRequestError,
  NetworkError,
  RateLimitError,
  TranscriptionError,
} from '../../errors/index.js';

/** Answers of a Redis that cannot serve now, and will again. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'LOADING',
  'BUSY',
  'MASTERDOWN',
  'READONLY',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MOVED',
  'ASK',
  'MISCONF',
  'NOREPLICAS',
  'OOM',
]);

const REFUSED: ReadonlySet<string> = new Set(['WRONGPASS', 'NOAUTH', 'NOPERM']);

/** A command that got no answer in its time. */
export class LateAnswer extends Error {
  override readonly name = 'LateAnswer';
}

/**
 * Why a command failed, without its arguments, the address and the password, which ioredis puts into its errors.
 *
 * A NetworkError: Redis cannot be reached, or cannot serve. Anything else stays wrong until somebody changes it.
 */
export function toRedisError(error: unknown): TranscriptionError {
  if (TranscriptionError.isInstance(error)) return error;
  if (error instanceof LateAnswer) {
    return new NetworkError(
      'Redis, which keeps the limits, gave no answer within commandTimeoutMs, so nothing was sent. Try again.',
      { code: 'network', retryable: true },
    );
  }
  const answer = answerOf(error);
  const cause = bare(error, answer);
  if (answer === undefined || TRANSIENT.has(answer)) return unavailable(cause);
  const advice = REFUSED.has(answer)
    ? 'Redis refused the user, the password or the rights of the option connection. It needs EVALSHA and the keys ' +
      'that begin with the prefix.'
    : 'Redis refused a script of the limits. It takes Redis 5 or later; the cause names the kind of its error.';
  return new BadRequestError(advice, { code: 'invalid_option', cause });
}

/** Redis knows the script no more: it was restarted. */
export function isUnknownScript(error: unknown): boolean {
  return answerOf(error) === 'NOSCRIPT';
}

export function packageMissing(cause: unknown): BadRequestError {
  const { code } = (cause ?? {}) as { code?: unknown };
  const plain = new Error('The package ioredis could not be loaded.');
  return new BadRequestError('The package ioredis is not installed. Run npm install ioredis.', {
    code: 'invalid_option',
    cause: typeof code === 'string' ? Object.assign(plain, { code }) : plain,
  });
}

/** The first word of an error that Redis itself answered with. Undefined where the connection failed. */
function answerOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { lastNodeError } = error as { lastNodeError?: unknown };
  if (lastNodeError instanceof Error) return answerOf(lastNodeError);
  if (error.name !== 'ReplyError') return undefined;
  // What a script may not do Redis says in other words, which differ from version to version.
  if (/can't run this command|can't access|ACL failure/i.test(error.message)) return 'NOPERM';
  return /^[A-Z]{2,20}/.exec(error.message)?.[0] ?? 'ERR';
}

function bare(error: unknown, answer: string | undefined): Error {
  if (answer !== undefined) return new Error(`Redis error ${answer}`);
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{1,49}$/.test(code))
    return new Error('The connection failed.');
  return Object.assign(new Error(`The connection failed: ${code}`), { code });
}

export function unavailable(cause?: Error): NetworkError {
  return new NetworkError(
    'Redis, which keeps the limits, cannot be reached or cannot serve, so nothing was sent. Check that it runs, ' +
      'and try again.',
    { code: 'network', retryable: true, cause },
  );
}

export function tooManyWaiting(maxWaiting: number): RateLimitError {
  return new RateLimitError(
    `${maxWaiting} calls wait for a place already (maxWaiting). Call again later, or use enqueue().`,
    { code: 'too_many_waiting', retryable: true },
  );
}

export function limitsClosed(): AbortedError {
  return new AbortedError('These limits were closed. Make new ones for further calls.', {
    code: 'client_closed',
  });
}
