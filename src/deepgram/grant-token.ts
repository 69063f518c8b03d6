import type { TranscriptionError } from '../errors/index.js';
import { addAdvice } from '../errors/index.js';
import { isPlainObject } from '../internal/validate.js';
import { type Credentials, secretOf } from './credentials.js';
import type { HttpAnswer } from './http-answer.js';
import type { HttpTransport } from './http-transport.js';
import { errorFromAnswer, invalidAnswer } from './map-error.js';

export interface GrantTokenOptions {
  /** Seconds in which a connection can be opened with the token, 1 to 3600. Default 30. */
  readonly ttlSeconds?: number;
  /** Name of the region whose endpoint makes the token. Default: the first one. */
  readonly region?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds for all of it. Default 10000. */
  readonly timeoutMs?: number;
}

/** One of Deepgram's short-lived tokens. */
export interface GrantedToken {
  /** A secret for as long as it lives. */
  readonly token: string;
  readonly expiresInSeconds: number;
}

export interface GrantRequest {
  readonly endpoint: string;
  readonly credentials: Credentials;
  readonly ttlSeconds: number;
  readonly signal: AbortSignal;
}

const ROLE_ADVICE = 'Tokens are only made for an API key with the role Member or a higher one.';

/** `POST /v1/auth/grant`, which costs nothing. Rejects with a TranscriptionError. */
export async function grantToken(
  transport: Pick<HttpTransport, 'send'>,
  { endpoint, credentials, ttlSeconds, signal }: GrantRequest,
): Promise<GrantedToken> {
  const secret = secretOf(credentials);
  const answer = await transport.send({
    url: `${endpoint}/v1/auth/grant`,
    headers: {
      accept: 'application/json',
      authorization: `${credentials.kind === 'key' ? 'Token' : 'Bearer'} ${secret}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ ttl_seconds: ttlSeconds }),
    signal,
    secrets: [secret],
    costs: false,
  });
  if (answer.status >= 400) throw refusal(answer, [secret]);
  return readGrant(answer, ttlSeconds, [secret]);
}

function refusal(answer: HttpAnswer, secrets: readonly string[]): TranscriptionError {
  const error = errorFromAnswer(answer, secrets);
  if (answer.status === 403) addAdvice(error, ROLE_ADVICE);
  // Whatever became of it, nothing is billed.
  (error as { ambiguous: boolean }).ambiguous = false;
  return error;
}

function readGrant(answer: HttpAnswer, ttlSeconds: number, secrets: readonly string[]): GrantedToken {
  const invalid = (reason: string): TranscriptionError =>
    invalidAnswer(reason, answer, { secrets, what: 'access token' });
  if (answer.status !== 200) throw invalid(`the status is ${answer.status}`);
  const body = parseJson(answer.text);
  if (!isPlainObject(body)) throw invalid(`the body is no JSON object (${answer.text.length} characters)`);
  const { access_token: token, expires_in: expiresInSeconds = ttlSeconds } = body;
  // What no header can carry is of no use to anybody.
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw invalid('access_token is no token');
  if (typeof expiresInSeconds !== 'number' || !(expiresInSeconds > 0)) {
    throw invalid('expires_in is no number of seconds');
  }
  return { token, expiresInSeconds };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
