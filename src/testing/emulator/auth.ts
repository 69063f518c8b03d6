import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Deepgram } from '@deepgram/sdk';
import { badRequest, Refusal } from './answer.js';

const DEFAULT_TTL_SECONDS = 30;
const MAX_TTL_SECONDS = 3600;

/** Who asks: an API key (`Token`) or an access token (`Bearer`). */
export interface Credentials {
  readonly scheme: 'token' | 'bearer';
  readonly value: string;
}

export interface AccessControl {
  /** @throws Refusal 401 INVALID_AUTH */
  check(credentials: Credentials | undefined): void;
  /** Answers `POST /v1/auth/grant`. @throws Refusal 400 for a lifetime out of bounds */
  grant(body: Uint8Array): Deepgram.GrantV1Response;
}

/** Reads an `Authorization` header. */
export function credentialsFromHeader(header: string | undefined): Credentials | undefined {
  const match = /^\s*(token|bearer)\s+(\S+)\s*$/i.exec(header ?? '');
  return match ? credentials(match[1], match[2]) : undefined;
}

/** Reads `token,<key>` or `bearer,<jwt>` from a `Sec-WebSocket-Protocol` header, the browser's way in. */
export function credentialsFromProtocols(header: string | undefined): Credentials | undefined {
  const protocols = (header ?? '').split(',').map((protocol) => protocol.trim());
  const scheme = protocols.findIndex((protocol) => /^(token|bearer)$/i.test(protocol));
  return scheme < 0 ? undefined : credentials(protocols[scheme], protocols[scheme + 1]);
}

function credentials(scheme: string | undefined, value: string | undefined): Credentials | undefined {
  if (!scheme || !value) return undefined;
  return { scheme: scheme.toLowerCase() === 'bearer' ? 'bearer' : 'token', value };
}

/** Without `apiKeys` any key or token passes, except granted tokens whose time is over. */
export function createAccessControl(
  apiKeys: readonly string[] | undefined,
  now: () => number = Date.now,
): AccessControl {
  const secret = randomBytes(32);

  function sign(content: string): string {
    return createHmac('sha256', secret).update(content).digest('base64url');
  }

  /** The expiry in ms of a token that this instance granted, undefined for any other text. */
  function expiryOf(token: string): number | undefined {
    const [header, payload, signature] = token.split('.');
    if (!header || !payload || !signature) return undefined;
    const expected = Buffer.from(sign(`${header}.${payload}`));
    const received = Buffer.from(signature);
    if (expected.length !== received.length || !timingSafeEqual(expected, received)) return undefined;
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp: number };
    return claims.exp * 1000;
  }

  return {
    check(received) {
      if (!received) throw invalidAuth();
      const expiry = received.scheme === 'bearer' ? expiryOf(received.value) : undefined;
      if (expiry !== undefined) {
        if (now() >= expiry) throw invalidAuth();
        return;
      }
      if (apiKeys && !(received.scheme === 'token' && apiKeys.includes(received.value))) throw invalidAuth();
    },

    grant(body) {
      const ttlSeconds = requestedTtl(body);
      const issuedAt = now() / 1000;
      const header = encode({ alg: 'HS256', typ: 'JWT' });
      const payload = encode({ jti: randomUUID(), iat: issuedAt, exp: issuedAt + ttlSeconds });
      return {
        access_token: `${header}.${payload}.${sign(`${header}.${payload}`)}`,
        expires_in: ttlSeconds,
      } satisfies Deepgram.GrantV1Response;
    },
  };
}

function invalidAuth(): Refusal {
  return new Refusal(401, 'INVALID_AUTH', 'Invalid credentials.');
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function requestedTtl(body: Uint8Array): number {
  if (body.byteLength === 0) return DEFAULT_TTL_SECONDS;
  const parsed = parseJsonObject(body);
  const ttl = parsed.ttl_seconds ?? DEFAULT_TTL_SECONDS;
  if (typeof ttl !== 'number' || !(ttl >= 1 && ttl <= MAX_TTL_SECONDS)) {
    throw badRequest(`ttl_seconds must be a number from 1 to ${MAX_TTL_SECONDS}`);
  }
  return ttl;
}

/** @throws Refusal 400 for anything but a JSON object */
export function parseJsonObject(body: Uint8Array): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    throw badRequest('the body is not valid JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw badRequest('the body must be a JSON object');
  }
  return parsed as Record<string, unknown>;
}
