import { BadRequestError } from '../../errors/index.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { checkFunction, checkNumber, checkPlainObject, invalidOption } from '../../internal/validate.js';

export interface HttpClientOptions {
  /**
   * Where the routes begin, such as `https://app.example.com/api/speech`, without a user name and a password. In a page
   * also a path: `/api/speech`.
   */
  readonly baseUrl: string | URL;
  /** Sent as `Authorization: Bearer …`; a function is asked before each request. Default: cookies alone say who asks. */
  readonly token?: string | (() => string | Promise<string>);
  /** Default: the global one. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Go with each request. `token` goes before an `authorization` of yours. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `include` sends the cookies to another origin too. Default: as fetch does it, to the own origin alone. */
  readonly credentials?: 'omit' | 'same-origin' | 'include';
  /** Milliseconds without a connection after which `jobEvents()` gives up. Default 120000. */
  readonly giveUpAfterMs?: number;
  /** Milliseconds without a sign of life after which the connection of `jobEvents()` is made anew. Default 45000. */
  readonly idleTimeoutMs?: number;
}

export interface HttpClientSettings
  extends Required<Omit<HttpClientOptions, 'baseUrl' | 'token' | 'credentials'>> {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly token: HttpClientOptions['token'];
  readonly credentials: HttpClientOptions['credentials'];
}

const KEYS = ['baseUrl', 'token', 'fetch', 'headers', 'credentials', 'giveUpAfterMs', 'idleTimeoutMs'];
const CREDENTIALS = ['omit', 'same-origin', 'include'];

/** @throws BadRequestError that names the option, what it may be and what it is. */
export function resolveHttpClientOptions(options: HttpClientOptions): HttpClientSettings {
  checkOptions('createHttpClient()', options, KEYS);
  const given = options as unknown as HttpClientOptions;
  if (given.token !== undefined && typeof given.token !== 'string') checkFunction('token', given.token);
  checkFunction('fetch', given.fetch);
  checkNumber('giveUpAfterMs', given.giveUpAfterMs, { min: 0 });
  checkNumber('idleTimeoutMs', given.idleTimeoutMs, { min: 1 });
  if (given.credentials !== undefined && !CREDENTIALS.includes(given.credentials)) {
    throw invalidOption('credentials', `one of ${CREDENTIALS.join(', ')}`, given.credentials);
  }
  return {
    baseUrl: baseUrlOf(given.baseUrl),
    token: given.token,
    // Called without its `this` a browser's fetch fails.
    fetch: given.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    headers: headersOf(given.headers),
    credentials: given.credentials,
    giveUpAfterMs: given.giveUpAfterMs ?? 120_000,
    idleTimeoutMs: given.idleTimeoutMs ?? 45_000,
  };
}

/** In lower case, as those of a request are: the same header twice would send both values. */
function headersOf(headers: HttpClientOptions['headers']): Readonly<Record<string, string>> {
  checkPlainObject('headers', headers);
  try {
    return Object.fromEntries(new Headers(headers));
  } catch {
    throw invalidOption('headers', 'names and values of HTTP headers', headers);
  }
}

function baseUrlOf(url: unknown): string {
  const text = url instanceof URL ? url.href : url;
  if (typeof text === 'string' && !/[?#]/.test(text) && (isPath(text) || isPlainUrl(text))) {
    return text.replace(/\/+$/, '');
  }
  // Not shown: there may be a password in it.
  throw new BadRequestError(
    'The option baseUrl must be an http: or https: URL, or a path, without a user name, a password and a query.',
    { code: 'invalid_option' },
  );
}

function isPath(text: string): boolean {
  return /^\/(?![\\/])/.test(text);
}

/** Fetch refuses one with a user name or a password in it. */
function isPlainUrl(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}
