import { type LimitSettings, type QueueSettings, resolveLimits, resolveQueue } from './adapter-options.js';
import { type CallbackSettings, resolveCallback } from './callback-options.js';
import type {
  AudioStore,
  ClientOptions,
  Clock,
  LimitsAdapter,
  LiveDeepgramOptions,
  Logger,
  MetricsHook,
  PrerecordedDeepgramOptions,
  QueueAdapter,
  RouterOptions,
  Secret,
  SpendOptions,
  StorageAdapter,
  StorageRetryOptions,
} from './contracts/index.js';
import {
  LIVE_KEYS,
  liveParameters,
  PRERECORDED_KEYS,
  prerecordedParameters,
  QUERY_ADVICE,
} from './deepgram/map-options.js';
import { CLIENT_DEFAULTS, merge } from './defaults.js';
import { BadRequestError } from './errors/index.js';
import { resolveRouter } from './hybrid/router-options.js';
import { systemClock } from './internal/system-clock.js';
import {
  checkAdapter,
  checkFunction,
  checkKeys,
  checkMethods,
  checkNumber,
  checkPlainObject,
  checkString,
  invalidOption,
  isPlainObject,
} from './internal/validate.js';
import { resolveRetry, resolveSpend, resolveStorageRetry, resolveWebhooks } from './policy-options.js';
import type { WebhookSettings } from './queue/index.js';
import { type Region, resolveRegions } from './region-options.js';
import type { RetryPolicy } from './resilience/retry.js';

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
  readonly audioStore: AudioStore | undefined;
  readonly queueAdapter: QueueAdapter | undefined;
  readonly queue: QueueSettings;
  readonly limitsAdapter: LimitsAdapter | undefined;
  readonly limits: LimitSettings;
  readonly webhooks: WebhookSettings;
  readonly callback: CallbackSettings | undefined;
  readonly retry: RetryPolicy;
  readonly retryBudget: number;
  readonly storageRetry: Required<StorageRetryOptions>;
  readonly spend: SpendOptions;
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
  'audioStore',
  'queue',
  'limits',
  'webhooks',
  'callback',
  'retry',
  'retryBudget',
  'storageRetry',
  'spend',
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
  assertOptions(options);
  checkKeys('new TranscriptionClient()', options, CLIENT_KEYS);
  checkSecret('apiKey', options.apiKey);
  checkSecret('accessToken', options.accessToken);
  checkString('project', options.project);
  checkAdapter('storage', options.storage, ['get', 'put', 'list', 'delete']);
  checkAdapter('audioStore', options.audioStore, ['put', 'open', 'delete']);
  checkMethods('logger', options.logger, ['debug', 'warn', 'error']);
  checkMethods('clock', options.clock, ['monotonicMs', 'wallMs', 'setTimer']);
  checkNumber('retryBudget', options.retryBudget, { min: 0 });
  checkNumber('timeoutMs', options.timeoutMs, { min: 1 });
  checkNumber('attemptTimeoutMs', options.attemptTimeoutMs, { min: 1 });
  const { queue, queueAdapter } = resolveQueue(options.queue);
  const { limits, limitsAdapter } = resolveLimits(options.limits);
  const regions = resolveRegions(options.regions);
  return {
    apiKey: options.apiKey,
    accessToken: options.accessToken,
    environment: readEnvironment,
    defaults: resolveDefaults(options.defaults),
    regions,
    project: options.project ?? CLIENT_DEFAULTS.project,
    storage: options.storage,
    audioStore: options.audioStore,
    queueAdapter,
    queue,
    limitsAdapter,
    limits,
    webhooks: resolveWebhooks(options.webhooks),
    callback: resolveCallback(options.callback, regions),
    retry: resolveRetry(options.retry),
    retryBudget: options.retryBudget ?? CLIENT_DEFAULTS.retryBudget,
    storageRetry: resolveStorageRetry(options.storageRetry),
    spend: resolveSpend(options.spend),
    timeoutMs: options.timeoutMs ?? CLIENT_DEFAULTS.timeoutMs,
    attemptTimeoutMs: options.attemptTimeoutMs,
    router: resolveRouter(options.router),
    metrics: resolveMetrics(options.metrics),
    logger: options.logger,
    clock: options.clock ?? systemClock,
  };
}

function assertOptions(options: unknown): void {
  if (isPlainObject(options)) return;
  throw new BadRequestError('new TranscriptionClient() takes its options as a plain object.', {
    code: 'invalid_option',
  });
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
  checkKeys('defaults', defaults ?? {}, [...PRERECORDED_KEYS, ...LIVE_KEYS], QUERY_ADVICE);
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

function resolveMetrics(metrics: readonly MetricsHook[] = []): readonly MetricsHook[] {
  if (!Array.isArray(metrics)) throw invalidOption('metrics', 'an array of hooks', metrics);
  for (const hook of metrics) checkFunction('metrics[].onEvent', hook?.onEvent ?? null);
  return metrics;
}
