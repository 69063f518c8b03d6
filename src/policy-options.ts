import { checkHosts } from './allowed-source.js';
import { secretsOf } from './callback-options.js';
import type {
  ClientOptions,
  SpendLimit,
  SpendOptions,
  StorageRetryOptions,
  WebhookOptions,
} from './contracts/index.js';
import { CLIENT_DEFAULTS, merge } from './defaults.js';
import {
  checkBoolean,
  checkKeys,
  checkNumber,
  checkOrder,
  checkPlainObject,
  invalidOption,
} from './internal/validate.js';
import type { WebhookSettings } from './queue/index.js';
import type { RetryPolicy } from './resilience/retry.js';

/** The retry options of a call over those of its client. */
export function resolveRetry(
  options: ClientOptions['retry'],
  defaults: RetryPolicy = CLIENT_DEFAULTS.retry,
): RetryPolicy {
  if (options === undefined) return defaults;
  checkBackoff('retry', options, Object.keys(CLIENT_DEFAULTS.retry));
  checkBoolean('retry.ambiguous', options.ambiguous);
  return merge(defaults, options);
}

export function resolveStorageRetry(options: StorageRetryOptions | undefined): Required<StorageRetryOptions> {
  const defaults = CLIENT_DEFAULTS.storageRetry;
  if (options === undefined) return defaults;
  checkBackoff('storageRetry', options, Object.keys(defaults));
  return merge<Required<StorageRetryOptions>>(defaults, options);
}

export function resolveSpend(options: SpendOptions = {}): SpendOptions {
  checkPlainObject('spend', options);
  checkKeys('spend', options, ['maxDurationSeconds', 'maxAudioSecondsPerHour', 'unknownDuration']);
  checkSpendLimit('spend.maxDurationSeconds', options.maxDurationSeconds);
  checkSpendLimit('spend.maxAudioSecondsPerHour', options.maxAudioSecondsPerHour);
  const { unknownDuration = 'allow' } = options;
  if (unknownDuration !== 'allow' && unknownDuration !== 'refuse') {
    throw invalidOption('spend.unknownDuration', "'allow' or 'refuse'", unknownDuration);
  }
  return options;
}

function checkSpendLimit(name: string, limit: SpendLimit | undefined): void {
  if (typeof limit !== 'function') checkNumber(name, limit, { min: 0, integer: false });
}

/** What all that is tried again has in common. */
function checkBackoff(name: string, options: StorageRetryOptions, keys: readonly string[]): void {
  checkPlainObject(name, options);
  checkKeys(name, options, keys);
  checkNumber(`${name}.attempts`, options.attempts, { min: 1, max: 100 });
  checkNumber(`${name}.minDelayMs`, options.minDelayMs, { min: 0 });
  checkNumber(`${name}.maxDelayMs`, options.maxDelayMs, { min: 0 });
  checkOrder(`${name}.minDelayMs`, options.minDelayMs, `${name}.maxDelayMs`, options.maxDelayMs);
}

export function resolveWebhooks(options: WebhookOptions | undefined): WebhookSettings {
  const { secret, ...settings } = options ?? {};
  checkPlainObject('webhooks', options);
  checkKeys('webhooks', settings, Object.keys(CLIENT_DEFAULTS.webhooks));
  checkNumber('webhooks.timeoutMs', settings.timeoutMs, { min: 1 });
  checkNumber('webhooks.concurrency', settings.concurrency, { min: 1 });
  if (secret !== undefined && typeof secret !== 'function') secretsOf('webhooks.secret', secret);
  const merged = merge<Omit<WebhookSettings, 'secret'>>(CLIENT_DEFAULTS.webhooks, settings);
  checkHosts('webhooks.allow', merged.allow);
  return { ...merged, secret };
}
