import type { CallbackOptions } from './contracts/callback.js';
import { isDeepgram } from './deepgram-host.js';
import { CLIENT_DEFAULTS, merge } from './defaults.js';
import { BadRequestError } from './errors/index.js';
import { checkKeys, checkNumber, checkPlainObject } from './internal/validate.js';
import type { Region } from './region-options.js';

export interface CallbackSettings {
  readonly url: string;
  /** The first one signs. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
}

/** Undefined where the client has no route for callbacks. */
export function resolveCallback(
  options: CallbackOptions | undefined,
  regions: readonly Region[],
): CallbackSettings | undefined {
  if (options === undefined) return undefined;
  checkPlainObject('callback', options);
  const { url, secret, ...settings } = options;
  checkKeys('callback', settings, Object.keys(CLIENT_DEFAULTS.callback));
  checkNumber('callback.timeoutMs', settings.timeoutMs, { min: 1 });
  checkNumber('callback.maxBodyBytes', settings.maxBodyBytes, { min: 1 });
  checkUrl(url, regions);
  return { ...merge(CLIENT_DEFAULTS.callback, settings), url, secrets: secretsOf('callback.secret', secret) };
}

const MAX_URL_LENGTH = 2000;
/** Source: Deepgram's documentation of `callback`. An empty one is that of the scheme. */
const PORTS: ReadonlySet<string> = new Set(['', '80', '443', '8080', '8443']);

/** Messages hold neither URLs, which may have a password in them, nor secrets. */
function checkUrl(url: unknown, regions: readonly Region[]): asserts url is string {
  if (typeof url !== 'string' || url.length > MAX_URL_LENGTH || !URL.canParse(url)) throw wrongUrl();
  const { protocol, port, hash } = new URL(url);
  if (!/^https?:$/.test(protocol) || hash !== '') throw wrongUrl();
  if (!regions.some(({ endpoint }) => isDeepgram(endpoint))) return;
  if (protocol !== 'https:' || !PORTS.has(port)) throw wrongUrl();
}

function wrongUrl(): BadRequestError {
  return new BadRequestError(
    'The option callback.url must be the public https URL of the route that calls handleCallback(), without a ' +
      'fragment, on port 443, 80, 8080 or 8443: Deepgram takes no others.',
    { code: 'invalid_option' },
  );
}

const MAX_SECRETS = 10;

/** One secret or several, whose first one signs. */
export function secretsOf(name: string, secret: unknown): readonly string[] {
  const secrets: readonly unknown[] = Array.isArray(secret) ? Array.from(secret) : [secret];
  if (secrets.length >= 1 && secrets.length <= MAX_SECRETS && secrets.every(isSecret)) return secrets;
  throw new BadRequestError(
    `The option ${name} must be a string of 24 to 1024 characters, or an array of 1 to 10 of them.`,
    { code: 'invalid_option' },
  );
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 24 && value.length <= 1024;
}
