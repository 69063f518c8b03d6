import type { Clock } from '../../contracts/index.js';
import type { TranscriptionError } from '../../errors/index.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { systemClock } from '../../internal/system-clock.js';
import {
  checkFunction,
  checkMethods,
  checkNumber,
  checkPlainObject,
  invalidOption,
} from '../../internal/validate.js';
import { type CorsOptions, type CorsSettings, resolveCors } from './cors.js';
import type { Principal } from './identity.js';

export interface HttpLimits {
  /** Bytes of a JSON body. Default 65536. */
  readonly maxJsonBytes?: number;
  /** Bytes of an audio body. Default 2147483648, which is what Deepgram takes. */
  readonly maxAudioBytes?: number;
  /** Milliseconds in which at least one byte of a body has to come. Default 30000. */
  readonly uploadIdleTimeoutMs?: number;
  /** Requests of one user in a minute; more are answered with 429. Default: none. */
  readonly requestsPerMinute?: number;
  /** Tokens for browsers that one user gets in a minute. Default 10. */
  readonly tokensPerMinute?: number;
  /** Streams of job events that are open at the same time, in all. Default 1000. */
  readonly maxEventStreams?: number;
  /** Streams of job events of one user. Default 20. */
  readonly maxEventStreamsPerPrincipal?: number;
}

/** Where browsers stream to: the bridge of `transcription-client/websocket`. */
export interface StreamOffer {
  /** `wss:` URL of the bridge. */
  readonly url: string;
  /** Makes a short-lived token that the bridge's `authorize` takes. That of `createStreamTokens()` fits. */
  readonly tokens: {
    issue(principal: Principal): Promise<{ readonly token: string; readonly expiresInSeconds: number }>;
  };
}

/** What serves `GET /metrics`. The hook of `transcription-client/prometheus` fits. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export interface HttpOptions {
  /** Says who asks. Null: 401. What it throws: 500, without details. Asked for every route but `/callback` and `/health`. */
  readonly authorize: (request: Request) => Principal | null | Promise<Principal | null>;
  /** Where the routes begin, such as `/api/speech`. Default: at the root. */
  readonly basePath?: string;
  readonly limits?: HttpLimits;
  /** Names of Deepgram's options that a request may set. Default: `DEFAULT_ALLOWED_OPTIONS`, none of which is an add-on. */
  readonly allowedOptions?: readonly string[];
  /**
   * Options of every call. Those that a request may set are defaults. `deduplicate` counts for URLs alone. Where they are
   * wrong, requests are answered with 500, and `onError` hears of it.
   */
  readonly callOptions?: Readonly<Record<string, unknown>>;
  /** True: a request may name a webhook for the end of its job. Default false. */
  readonly allowWebhooks?: boolean;
  /** Without it `mode: 'stream'` is refused. */
  readonly stream?: StreamOffer;
  /** Deepgram's own short-lived tokens at `POST /token`: their life in seconds, 1 to 3600. Default: the route is not there. */
  readonly token?: { readonly ttlSeconds?: number };
  readonly metrics?: MetricsSource;
  /** Pages of other origins that may ask. Default: none. */
  readonly cors?: CorsOptions;
  /** Milliseconds between two signs of life in a stream of events. Default 8000. */
  readonly heartbeatMs?: number;
  /** False: no document at `/openapi.json`. Default true. */
  readonly openApi?: boolean;
  /** For logs: what was answered with a status of 500 or more. */
  readonly onError?: (
    error: TranscriptionError,
    details: { readonly requestId: string; readonly route: string },
  ) => void;
  readonly clock?: Clock;
}

export interface HttpSettings
  extends Required<
    Pick<
      HttpOptions,
      | 'authorize'
      | 'basePath'
      | 'callOptions'
      | 'allowWebhooks'
      | 'heartbeatMs'
      | 'openApi'
      | 'onError'
      | 'clock'
    >
  > {
  readonly limits: Required<Omit<HttpLimits, 'requestsPerMinute'>> & Pick<HttpLimits, 'requestsPerMinute'>;
  readonly allowedOptions: ReadonlySet<string>;
  readonly stream: StreamOffer | undefined;
  readonly token: { readonly ttlSeconds: number } | undefined;
  readonly metrics: MetricsSource | undefined;
  readonly cors: CorsSettings | undefined;
}

/** What a request may set unless it is said otherwise: none of them is billed in addition. */
export const DEFAULT_ALLOWED_OPTIONS: readonly string[] = [
  'detect_language',
  'dictation',
  'filler_words',
  'language',
  'measurements',
  'numerals',
  'paragraphs',
  'profanity_filter',
  'punctuate',
  'smart_format',
  'utt_split',
  'utterances',
];

/** They decide whose the transcript is, where it goes, or what leaves the machine. */
const NEVER_ALLOWED: ReadonlySet<string> = new Set([
  'callback',
  'callback_method',
  'delivery',
  'extra',
  'query',
  'region',
  'signal',
  'store',
  'tag',
  'userId',
  'webhook',
]);

const LIMITS = {
  maxJsonBytes: 65_536,
  maxAudioBytes: 2_147_483_648,
  uploadIdleTimeoutMs: 30_000,
  tokensPerMinute: 10,
  maxEventStreams: 1000,
  maxEventStreamsPerPrincipal: 20,
};

/** Bun's server takes a connection for dead after ten seconds. */
const DEFAULT_HEARTBEAT_MS = 8000;

const KEYS = [
  'authorize',
  'basePath',
  'limits',
  'allowedOptions',
  'callOptions',
  'allowWebhooks',
  'stream',
  'token',
  'metrics',
  'cors',
  'heartbeatMs',
  'openApi',
  'onError',
  'clock',
];

/** @throws BadRequestError that names the option, what it may be and what it is. */
export function resolveHttpOptions(options: HttpOptions): HttpSettings {
  checkOptions('createHandlers()', options, KEYS);
  const given = options as unknown as HttpOptions;
  if (given.authorize === undefined) throw invalidOption('authorize', 'a function', undefined);
  checkFunction('authorize', given.authorize);
  checkFunction('onError', given.onError);
  checkNumber('heartbeatMs', given.heartbeatMs, { min: 1 });
  checkMethods('clock', given.clock, ['monotonicMs', 'wallMs', 'setTimer']);
  checkPlainObject('callOptions', given.callOptions);
  checkPlainObject('token', given.token);
  checkNumber('token.ttlSeconds', given.token?.ttlSeconds, { min: 1, max: 3600 });
  checkMethods('metrics', given.metrics, ['metrics']);
  checkStream(given.stream);
  return {
    authorize: given.authorize,
    basePath: basePathOf(given.basePath),
    limits: limitsOf(given.limits),
    allowedOptions: namesOf(given.allowedOptions),
    callOptions: { ...given.callOptions },
    allowWebhooks: given.allowWebhooks === true,
    heartbeatMs: given.heartbeatMs ?? DEFAULT_HEARTBEAT_MS,
    openApi: given.openApi !== false,
    stream: given.stream,
    token: given.token && { ttlSeconds: given.token.ttlSeconds ?? 30 },
    metrics: given.metrics,
    cors: given.cors && resolveCors(given.cors),
    onError: quiet(given.onError),
    clock: given.clock ?? systemClock,
  };
}

/** What it throws is no matter of the request. */
function quiet(onError: HttpOptions['onError']): NonNullable<HttpOptions['onError']> {
  return (error, details) => {
    try {
      // It may be an async function, whatever its type says.
      Promise.resolve(onError?.(error, details) as unknown).catch(() => undefined);
    } catch {
      // There is nobody to tell.
    }
  };
}

function checkStream(stream: StreamOffer | undefined): void {
  checkPlainObject('stream', stream);
  if (stream === undefined) return;
  if (typeof stream.url !== 'string' || !/^wss?:\/\//i.test(stream.url) || !URL.canParse(stream.url)) {
    throw invalidOption('stream.url', 'a wss: or ws: URL', stream.url);
  }
  checkMethods('stream.tokens', stream.tokens ?? null, ['issue']);
}

function basePathOf(path: string | undefined): string {
  if (path === undefined || path === '/') return '';
  if (typeof path !== 'string' || !/^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+\/?$/.test(path)) {
    throw invalidOption('basePath', 'a path that begins with a slash, such as /api/speech', path);
  }
  return path.replace(/\/$/, '');
}

function limitsOf(limits: HttpLimits = {}): HttpSettings['limits'] {
  checkOptions('limits', limits, [...Object.keys(LIMITS), 'requestsPerMinute']);
  for (const [name, value] of Object.entries(limits)) checkNumber(`limits.${name}`, value, { min: 1 });
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  return { ...LIMITS, ...given };
}

function namesOf(names: readonly string[] = DEFAULT_ALLOWED_OPTIONS): ReadonlySet<string> {
  if (!Array.isArray(names)) throw invalidOption('allowedOptions', 'a list of names', names);
  for (const name of names) {
    if (typeof name !== 'string' || NEVER_ALLOWED.has(name)) {
      throw invalidOption(
        'allowedOptions',
        'a list of names that a request may set (use callOptions for the others)',
        name,
      );
    }
  }
  return new Set(names);
}
