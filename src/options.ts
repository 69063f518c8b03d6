import type {
  ClientOptions,
  Clock,
  LimitOptions,
  LimitsAdapter,
  LiveDeepgramOptions,
  Logger,
  MetricsHook,
  PrerecordedDeepgramOptions,
  QueueAdapter,
  QueueOptions,
  RegionOptions,
  RouterOptions,
  Secret,
  StorageAdapter,
} from './contracts/index.js';
import {
  LIVE_KEYS,
  liveParameters,
  PRERECORDED_KEYS,
  prerecordedParameters,
} from './deepgram/map-options.js';
import { BadRequestError } from './errors/index.js';
import { systemClock } from './internal/system-clock.js';
import {
  checkBoolean,
  checkFunction,
  checkKeys,
  checkMethods,
  checkNumber,
  checkPlainObject,
  checkString,
  invalidOption,
  isPlainObject,
} from './internal/validate.js';
import type { RetryPolicy } from './resilience/retry.js';

/** What a client does where its options do not say. */
export const CLIENT_DEFAULTS = {
  model: 'nova-3',
  project: 'default',
  region: { name: 'default', endpoint: 'https://api.deepgram.com' },
  timeoutMs: 600_000,
  retry: { attempts: 3, minDelayMs: 1000, maxDelayMs: 20_000, ambiguous: false },
  limits: { maxConcurrent: 50, maxConcurrentStreams: 50, maxWaiting: 1000 },
  queue: { concurrency: 10, attempts: 3, backoffMs: 5000, maxBackoffMs: 300_000, autoStart: true },
  live: { connectTimeoutMs: 10_000, finishTimeoutMs: 15_000 },
} as const;

export interface Region {
  readonly name: string;
  /** Without a slash at the end. */
  readonly endpoint: string;
  readonly residency?: string;
}

type LimitSettings = Required<Omit<LimitOptions, 'requestsPerMinute'>> & {
  readonly requestsPerMinute: number | undefined;
};

/** Client options with every default filled in. */
export interface ResolvedOptions {
  readonly apiKey: Secret | undefined;
  readonly accessToken: Secret | undefined;
  /** Looks into the environment each time it is called. */
  readonly environment: () => { apiKey?: string | undefined; accessToken?: string | undefined };
  readonly defaults: PrerecordedDeepgramOptions & LiveDeepgramOptions & { readonly model: string };
  readonly regions: readonly [Region, ...Region[]];
  readonly project: string;
  readonly storage: StorageAdapter | undefined;
  readonly queueAdapter: QueueAdapter | undefined;
  readonly queue: Required<Omit<QueueOptions, 'adapter'>>;
  readonly limitsAdapter: LimitsAdapter | undefined;
  readonly limits: LimitSettings;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number | undefined;
  readonly router: RouterOptions;
  readonly metrics: readonly MetricsHook[];
  readonly logger: Logger | undefined;
  readonly clock: Clock;
}

const CLIENT_KEYS = [
  'apiKey',
  'accessToken',
  'defaults',
  'regions',
  'project',
  'storage',
  'queue',
  'limits',
  'retry',
  'timeoutMs',
  'attemptTimeoutMs',
  'router',
  'metrics',
  'logger',
  'clock',
] as const satisfies readonly (keyof ClientOptions)[];

/**
 * Checks the client's options and fills in the defaults. Credentials are not looked at: a missing key fails
 * at the first call, so that a build step without keys can construct a client.
 *
 * @throws BadRequestError that names the option, what it may be and what it is.
 */
export function resolveOptions(options: ClientOptions = {}): ResolvedOptions {
  checkPlainObject('of new TranscriptionClient()', options);
  checkKeys('new TranscriptionClient()', options, CLIENT_KEYS);
  checkSecret('apiKey', options.apiKey);
  checkSecret('accessToken', options.accessToken);
  checkString('project', options.project);
  checkMethods('storage', options.storage, ['get', 'put', 'list', 'delete']);
  checkMethods('logger', options.logger, ['debug', 'warn', 'error']);
  checkMethods('clock', options.clock, ['monotonicMs', 'wallMs', 'setTimer']);
  checkNumber('timeoutMs', options.timeoutMs, { min: 1 });
  checkNumber('attemptTimeoutMs', options.attemptTimeoutMs, { min: 1 });
  const { queue, queueAdapter } = resolveQueue(options.queue);
  const { limits, limitsAdapter } = resolveLimits(options.limits);
  return {
    apiKey: options.apiKey,
    accessToken: options.accessToken,
    environment: readEnvironment,
    defaults: resolveDefaults(options.defaults),
    regions: resolveRegions(options.regions),
    project: options.project ?? CLIENT_DEFAULTS.project,
    storage: options.storage,
    queueAdapter,
    queue,
    limitsAdapter,
    limits,
    retry: resolveRetry(options.retry),
    timeoutMs: options.timeoutMs ?? CLIENT_DEFAULTS.timeoutMs,
    attemptTimeoutMs: options.attemptTimeoutMs,
    router: resolveRouter(options.router),
    metrics: resolveMetrics(options.metrics),
    logger: options.logger,
    clock: options.clock ?? systemClock,
  };
}

/** The retry options of a call over those of its client. */
export function resolveRetry(
  options: ClientOptions['retry'],
  defaults: RetryPolicy = CLIENT_DEFAULTS.retry,
): RetryPolicy {
  if (options === undefined) return defaults;
  checkPlainObject('retry', options);
  checkKeys('retry', options, Object.keys(CLIENT_DEFAULTS.retry));
  checkNumber('retry.attempts', options.attempts, { min: 1, max: 100 });
  checkNumber('retry.minDelayMs', options.minDelayMs, { min: 0 });
  checkNumber('retry.maxDelayMs', options.maxDelayMs, { min: 0 });
  checkBoolean('retry.ambiguous', options.ambiguous);
  return merge(defaults, options);
}

/** `defaults` with what `options` sets; undefined sets nothing. */
export function merge<Defaults extends object>(defaults: Defaults, options: object | undefined): Defaults {
  const set = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}

function readEnvironment(): { apiKey?: string | undefined; accessToken?: string | undefined } {
  const { DEEPGRAM_API_KEY: apiKey, DEEPGRAM_ACCESS_TOKEN: accessToken } = globalThis.process?.env ?? {};
  return { apiKey, accessToken };
}

function checkSecret(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'string' || typeof value === 'function') return;
  // The value stays out of the message: it may be the secret in some wrapping.
  throw new BadRequestError(`The option ${name} must be a string or a function that returns one.`, {
    code: 'invalid_option',
  });
}

function resolveDefaults(defaults: ClientOptions['defaults']): ResolvedOptions['defaults'] {
  checkPlainObject('defaults', defaults);
  checkKeys('defaults', defaults ?? {}, [...PRERECORDED_KEYS, ...LIVE_KEYS]);
  const resolved = merge({ model: CLIENT_DEFAULTS.model as string }, defaults);
  prerecordedParameters(resolved);
  liveParameters(withoutPairs(resolved));
  return resolved;
}

/** Options that need a partner may get it at the call. */
function withoutPairs(options: LiveDeepgramOptions): LiveDeepgramOptions {
  const { encoding, sample_rate, utterance_end_ms, ...others } = options;
  return others;
}

function resolveRegions(regions: readonly RegionOptions[] | undefined): readonly [Region, ...Region[]] {
  if (regions === undefined) return [CLIENT_DEFAULTS.region];
  if (!Array.isArray(regions)) throw invalidOption('regions', 'an array', regions);
  const [first, ...others] = regions.map(resolveRegion);
  if (first === undefined) throw invalidOption('regions', 'an array with at least one region', regions);
  const names = new Set([first, ...others].map((region) => region.name));
  if (names.size < regions.length)
    throw invalidOption('regions', 'an array of regions with different names', regions);
  return [first, ...others];
}

function resolveRegion(region: unknown, index: number): Region {
  const where = `regions[${index}]`;
  if (!isPlainObject(region)) throw invalidOption(where, 'an object { name, endpoint }', region);
  checkKeys(where, region, ['name', 'endpoint', 'residency']);
  const { name, endpoint, residency } = region;
  if (typeof name !== 'string' || name === '')
    throw invalidOption(`${where}.name`, 'a string that is not empty', name);
  if (typeof endpoint !== 'string' || !isWebUrl(endpoint)) {
    // The value stays out of the message, because an address can hold a password.
    throw new BadRequestError(
      `The option ${where}.endpoint must be an http(s) URL without credentials and query, such as ` +
        'https://api.eu.deepgram.com.',
      { code: 'invalid_option' },
    );
  }
  checkString(`${where}.residency`, residency);
  return {
    name,
    endpoint: endpoint.replace(/\/+$/, ''),
    ...(typeof residency === 'string' ? { residency } : {}),
  };
}

/** Nothing but scheme, host and path: what else an address may carry would be lost, or is a secret. */
function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === '';
}

function resolveQueue(queue: ClientOptions['queue']): Pick<ResolvedOptions, 'queue' | 'queueAdapter'> {
  if (queue === undefined) return { queue: CLIENT_DEFAULTS.queue, queueAdapter: undefined };
  if (queue !== null && isQueueAdapter(queue)) return { queue: CLIENT_DEFAULTS.queue, queueAdapter: queue };
  checkPlainObject('queue', queue);
  const { adapter, ...settings } = queue;
  checkKeys('queue', settings, Object.keys(CLIENT_DEFAULTS.queue));
  checkNumber('queue.concurrency', settings.concurrency, { min: 1 });
  checkNumber('queue.attempts', settings.attempts, { min: 1 });
  checkNumber('queue.backoffMs', settings.backoffMs, { min: 0 });
  checkNumber('queue.maxBackoffMs', settings.maxBackoffMs, { min: 0 });
  checkBoolean('queue.autoStart', settings.autoStart);
  checkMethods('queue.adapter', adapter, ['add', 'cancel', 'startWorker', 'depth', 'close']);
  return { queue: merge(CLIENT_DEFAULTS.queue, settings), queueAdapter: adapter };
}

function isQueueAdapter(value: object): value is QueueAdapter {
  return typeof (value as Partial<QueueAdapter>).startWorker === 'function';
}

function resolveLimits(limits: ClientOptions['limits']): Pick<ResolvedOptions, 'limits' | 'limitsAdapter'> {
  const defaults: LimitSettings = { ...CLIENT_DEFAULTS.limits, requestsPerMinute: undefined };
  if (limits === undefined) return { limits: defaults, limitsAdapter: undefined };
  if (typeof (limits as Partial<LimitsAdapter> | null)?.acquire === 'function') {
    return { limits: defaults, limitsAdapter: limits as LimitsAdapter };
  }
  checkPlainObject('limits', limits);
  const settings = limits as LimitOptions;
  checkKeys('limits', settings, Object.keys(defaults));
  checkNumber('limits.maxConcurrent', settings.maxConcurrent, { min: 1 });
  checkNumber('limits.maxConcurrentStreams', settings.maxConcurrentStreams, { min: 1 });
  checkNumber('limits.requestsPerMinute', settings.requestsPerMinute, { min: 1 });
  checkNumber('limits.maxWaiting', settings.maxWaiting, { min: 0 });
  return { limits: merge(defaults, settings), limitsAdapter: undefined };
}

function resolveRouter(router: RouterOptions = {}): RouterOptions {
  checkPlainObject('router', router);
  checkKeys('router', router, ['syncBelowSeconds', 'asyncAboveSeconds', 'otherwise', 'rules']);
  checkNumber('router.syncBelowSeconds', router.syncBelowSeconds, { min: 0, integer: false });
  checkNumber('router.asyncAboveSeconds', router.asyncAboveSeconds, { min: 0, integer: false });
  if (router.otherwise !== undefined && !['sync', 'async', 'stream'].includes(router.otherwise)) {
    throw invalidOption('router.otherwise', "'sync', 'async' or 'stream'", router.otherwise);
  }
  const { rules = [] } = router;
  if (!Array.isArray(rules)) throw invalidOption('router.rules', 'an array of rules', rules);
  for (const rule of rules) {
    checkFunction('router.rules[].decide', rule?.decide ?? null);
    checkString('router.rules[].name', rule.name ?? null);
  }
  return router;
}

function resolveMetrics(metrics: readonly MetricsHook[] = []): readonly MetricsHook[] {
  if (!Array.isArray(metrics)) throw invalidOption('metrics', 'an array of hooks', metrics);
  for (const hook of metrics) checkFunction('metrics[].onEvent', hook?.onEvent ?? null);
  return metrics;
}
