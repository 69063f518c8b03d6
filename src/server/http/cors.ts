import { checkOptions } from '../../internal/check-arguments.js';
import { checkBoolean, checkNumber, invalidOption } from '../../internal/validate.js';

export interface CorsOptions {
  /** Such as `https://app.example.com`. `*` is every origin, and then without credentials. */
  readonly origins: readonly string[];
  /** True lets pages send their cookies. Default false. */
  readonly credentials?: boolean;
  /** How long a browser keeps the answer to its preflight. Default 600. */
  readonly maxAgeSeconds?: number;
}

export interface CorsSettings {
  readonly origins: ReadonlySet<string>;
  readonly credentials: boolean;
  readonly maxAgeSeconds: number;
}

/** What a page may read of an answer. */
const EXPOSED = 'etag, location, retry-after, x-request-id';
const ALLOWED_HEADERS =
  'authorization, content-type, idempotency-key, if-none-match, last-event-id, x-request-id';

/** @throws BadRequestError */
export function resolveCors(options: CorsOptions): CorsSettings {
  checkOptions('cors', options, ['origins', 'credentials', 'maxAgeSeconds']);
  const { origins, credentials, maxAgeSeconds } = options as unknown as CorsOptions;
  checkBoolean('cors.credentials', credentials);
  checkNumber('cors.maxAgeSeconds', maxAgeSeconds, { min: 0 });
  if (!Array.isArray(origins) || origins.some((origin) => !isOrigin(origin))) {
    throw invalidOption(
      'cors.origins',
      'a list of origins such as https://app.example.com, without a path',
      origins,
    );
  }
  if (origins.includes('*') && credentials === true) {
    throw invalidOption('cors.credentials', 'false where every origin may ask', credentials);
  }
  return {
    origins: new Set(origins),
    credentials: credentials ?? false,
    maxAgeSeconds: maxAgeSeconds ?? 600,
  };
}

/** The headers of an answer to a page. Empty where the origin may not ask. */
export function corsHeaders(settings: CorsSettings | undefined, request: Request): Record<string, string> {
  if (settings === undefined) return {};
  const origin = request.headers.get('origin');
  const { origins, credentials } = settings;
  const isKnown = origin !== null && origins.has(origin);
  if (!isKnown && !origins.has('*')) return { vary: 'origin' };
  return {
    'access-control-allow-origin': isKnown ? origin : '*',
    'access-control-expose-headers': EXPOSED,
    vary: 'origin',
    ...(credentials && { 'access-control-allow-credentials': 'true' }),
  };
}

/** What a preflight is answered with besides. */
export function preflightHeaders(settings: CorsSettings | undefined, allow: string): Record<string, string> {
  if (settings === undefined) return {};
  return {
    'access-control-allow-methods': allow,
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': String(settings.maxAgeSeconds),
  };
}

function isOrigin(text: unknown): boolean {
  if (text === '*') return true;
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { protocol, host } = new URL(text);
  return host !== '' && `${protocol}//${host}` === text;
}
