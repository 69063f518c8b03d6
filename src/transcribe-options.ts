// Beside call-options.ts, so that a client which has not been called yet does not load it.
import { checkCall, overDefaults, regionFor, type SettledCall, SHARED_KEYS } from './call-options.js';
import type { PrerecordedDeepgramOptions, TranscribeOptions } from './contracts/index.js';
import { PRERECORDED_KEYS, prerecordedParameters } from './deepgram/map-options.js';
import { CLIENT_DEFAULTS } from './defaults.js';
import { BadRequestError } from './errors/index.js';
import { checkBoolean, checkNumber, invalidOption } from './internal/validate.js';
import type { ResolvedOptions } from './options.js';
import { resolveRetry } from './policy-options.js';
import type { RetryPolicy } from './resilience/retry.js';

export const TRANSCRIBE_KEYS = [
  ...SHARED_KEYS,
  'timeoutMs',
  'attemptTimeoutMs',
  'retry',
  'priority',
  'idempotencyKey',
  'deduplicate',
  'durationSeconds',
] as const;
/** All that `transcribe()` knows. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([...PRERECORDED_KEYS, ...TRANSCRIBE_KEYS]);

export interface SettledTranscribe extends SettledCall {
  readonly priority: number;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number | undefined;
}

/** @throws BadRequestError that names the option, what it may be and what it is. */
export function settleTranscribe(options: TranscribeOptions, client: ResolvedOptions): SettledTranscribe {
  checkCall('transcribe()', options, KNOWN_KEYS);
  checkNumber('timeoutMs', options.timeoutMs, { min: 1 });
  checkNumber('attemptTimeoutMs', options.attemptTimeoutMs, { min: 1 });
  checkNumber('priority', options.priority, { min: 0 });
  checkNumber('durationSeconds', options.durationSeconds, { min: 0, integer: false });
  checkIdempotency(options);
  return {
    ...settlePrerecorded(options, client),
    priority: options.priority ?? 0,
    retry: resolveRetry(options.retry, client.retry),
    timeoutMs: options.timeoutMs ?? client.timeoutMs,
    attemptTimeoutMs: options.attemptTimeoutMs ?? client.attemptTimeoutMs,
  };
}

export function settlePrerecorded(
  options: PrerecordedDeepgramOptions & { region?: string },
  client: ResolvedOptions,
): SettledCall {
  const deepgram: PrerecordedDeepgramOptions = overDefaults(options, client, PRERECORDED_KEYS);
  return {
    parameters: prerecordedParameters(deepgram),
    model: deepgram.model ?? CLIENT_DEFAULTS.model,
    language: deepgram.language,
    region: regionFor(options.region, client),
  };
}

function checkIdempotency({ idempotencyKey: key, deduplicate }: TranscribeOptions): void {
  checkBoolean('deduplicate', deduplicate);
  if (key === undefined) return;
  if (typeof key !== 'string' || key === '' || key.length > 255) {
    throw invalidOption('idempotencyKey', 'a string of 1 to 255 characters', key);
  }
  if (deduplicate !== true) return;
  throw new BadRequestError('The options idempotencyKey and deduplicate exclude each other. Choose one.', {
    code: 'invalid_option',
  });
}
