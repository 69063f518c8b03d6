import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../contracts/index.js';
import { BadRequestError } from '../../errors/index.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { systemClock } from '../../internal/system-clock.js';
import { checkMethods, checkNumber, invalidOption } from '../../internal/validate.js';
import { isPrincipal } from '../is-principal.js';
import { bearerToken } from './bearer-token.js';
import type { BridgePrincipal } from './types.js';

export interface StreamTokensOptions {
  /**
   * 24 to 1024 characters. Several while one takes the place of another: the first one signs, and what any of them has
   * signed is taken. Servers that take the tokens of one another have the same.
   */
  readonly secret: string | readonly string[];
  /** How long a token opens the bridge, 1 to 3600. A session that is open goes on after it. Default 60. */
  readonly ttlSeconds?: number;
  readonly clock?: Clock;
}

/** Short-lived tokens for the bridge. Whoever has one is its principal until it expires. */
export interface StreamTokens {
  /** Rejects with a BadRequestError where the principal has no `userId`, or is too long for a token. */
  issue(principal: BridgePrincipal): Promise<{ readonly token: string; readonly expiresInSeconds: number }>;
  /**
   * For the bridge's option of that name: the principal of the token in the query (`?token=`), in a subprotocol
   * `bearer.…`, or in `Authorization`. Null where there is none, or where it is forged or has expired.
   */
  authorize(request: IncomingMessage): BridgePrincipal | null;
}

/** What a token says. */
interface Claims {
  readonly userId: string;
  readonly scopes?: readonly string[];
  /** Milliseconds since 1970, UTC. */
  readonly expiresAt: number;
}

const DEFAULT_TTL_SECONDS = 60;
/** It goes into a URL, and a URL into one header. */
const MAX_LENGTH = 4096;
const FORM = /^v1\.([\w-]+)\.([\w-]{43})$/;
/** A key that is for nothing else, so that what the secret signs elsewhere opens nothing here. */
const PURPOSE = 'transcription-client stream token v1';

/**
 * Tokens that `mode: 'stream'` of the HTTP API gives out and that the bridge takes. They are signed with HMAC-SHA-256,
 * not encrypted: a browser can read its user id in them, and nothing is stored.
 *
 * ```ts
 * const tokens = createStreamTokens({ secret });
 * const bridge = createWebSocketBridge(client, { authorize: tokens.authorize });
 * const handlers = createHandlers(client, { authorize, stream: { url: 'wss://…/stream', tokens } });
 * ```
 *
 * Throws a BadRequestError for options that are unknown or out of range.
 */
export function createStreamTokens(options: StreamTokensOptions): StreamTokens {
  checkOptions('createStreamTokens()', options, ['secret', 'ttlSeconds', 'clock']);
  const {
    secret,
    ttlSeconds = DEFAULT_TTL_SECONDS,
    clock = systemClock,
  } = options as unknown as StreamTokensOptions;
  checkNumber('ttlSeconds', ttlSeconds, { min: 1, max: 3600 });
  checkMethods('clock', clock, ['monotonicMs', 'wallMs', 'setTimer']);
  const keys = keysOf(secret);
  return {
    async issue(principal) {
      const expiresAt = clock.wallMs() + ttlSeconds * 1000;
      const token = sign({ ...checkedPrincipal(principal), expiresAt }, keys);
      return { token, expiresInSeconds: ttlSeconds };
    },
    authorize(request) {
      const claims = verified(tokenOf(request), keys);
      if (claims === undefined || claims.expiresAt <= clock.wallMs()) return null;
      const { expiresAt: _expiresAt, ...principal } = claims;
      return principal;
    },
  };
}

const MAX_SECRETS = 10;

/** Messages hold no secret. */
function keysOf(secret: unknown): readonly Uint8Array[] {
  const secrets: readonly unknown[] = Array.isArray(secret) ? Array.from(secret) : [secret];
  if (secrets.length >= 1 && secrets.length <= MAX_SECRETS && secrets.every(isSecret)) {
    return secrets.map((each) => new Uint8Array(hkdfSync('sha256', each, '', PURPOSE, 32)));
  }
  throw new BadRequestError(
    'The option secret must be a string of 24 to 1024 characters, or an array of 1 to 10 of them.',
    { code: 'invalid_option' },
  );
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 24 && value.length <= 1024;
}

function checkedPrincipal(principal: unknown): Omit<Claims, 'expiresAt'> {
  if (!isPrincipal(principal)) {
    throw invalidOption(
      'principal',
      '{ userId, scopes? }, with a text that is not empty and a list of texts',
      principal,
    );
  }
  const { userId, scopes } = principal;
  return { userId, ...(scopes !== undefined && { scopes: [...scopes] }) };
}

function sign(claims: Claims, [key]: readonly Uint8Array[]): string {
  const text = `v1.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  const token = `${text}.${macOf(text, key as Uint8Array)}`;
  if (token.length <= MAX_LENGTH) return token;
  throw new BadRequestError(
    'The principal is too long for a token. Give fewer scopes, or a shorter userId.',
    {
      code: 'invalid_option',
    },
  );
}

/** Undefined where it is none of ours. Whether it has expired is not looked at. */
function verified(token: string | undefined, keys: readonly Uint8Array[]): Claims | undefined {
  if (token === undefined || token.length > MAX_LENGTH) return undefined;
  const parts = FORM.exec(token);
  if (parts === null) return undefined;
  const [, payload = '', mac = ''] = parts;
  // Each key is tried, whichever fits. As texts, because several texts have the same bytes.
  const fits = keys.map((key) => timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(`v1.${payload}`, key))));
  // What was signed here was written here.
  return fits.includes(true) ? JSON.parse(Buffer.from(payload, 'base64url').toString()) : undefined;
}

function macOf(text: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** A browser cannot set a header on a WebSocket: its query comes first. */
function tokenOf(request: IncomingMessage): string | undefined {
  const { url = '' } = request;
  const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : '';
  return new URLSearchParams(query).get('token') ?? bearerToken(request);
}
