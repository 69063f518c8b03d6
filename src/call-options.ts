import type {
  LiveDeepgramOptions,
  LiveProtocol,
  SharedCallOptions,
  StreamOptions,
} from './contracts/index.js';
import {
  checkLiveKeys,
  LIVE_KEYS,
  liveKeys,
  liveParameters,
  liveProtocol,
  type Parameters,
  QUERY_ADVICE,
} from './deepgram/map-options.js';
import { CLIENT_DEFAULTS, merge } from './defaults.js';
import { checkOptions, checkSignal } from './internal/check-arguments.js';
import {
  checkBoolean,
  checkNumber,
  checkPlainData,
  checkString,
  invalidOption,
  isPlainObject,
} from './internal/validate.js';
import type { ResolvedOptions } from './options.js';
import { checkRecovery, RECOVERY_KEYS } from './recovery-options.js';
import type { Region } from './region-options.js';

export const SHARED_KEYS = ['signal', 'userId', 'metadata', 'region', 'store'] as const;
export const STREAM_KEYS = [...SHARED_KEYS, 'connectTimeoutMs', 'finishTimeoutMs', ...RECOVERY_KEYS] as const;

/** The options of one call over those of the client, checked, as the patterns take them. */
export interface SettledCall {
  readonly parameters: Parameters;
  readonly model: string;
  readonly language: string | undefined;
  readonly region: Region;
}

export interface SettledStream extends SettledCall {
  readonly protocol: LiveProtocol;
  readonly connectTimeoutMs: number;
  readonly finishTimeoutMs: number;
  readonly encoding: string | undefined;
  readonly sampleRate: number | undefined;
  readonly channels: number | undefined;
}

/** @throws BadRequestError that names the option, what it may be and what it is. */
export function settleStream(options: StreamOptions, client: ResolvedOptions): SettledStream {
  checkCall('stream()', options, [...LIVE_KEYS, ...STREAM_KEYS]);
  checkNumber('connectTimeoutMs', options.connectTimeoutMs, { min: 1 });
  checkNumber('finishTimeoutMs', options.finishTimeoutMs, { min: 1 });
  checkRecovery(options, client.audioStore !== undefined);
  const model = options.model ?? client.defaults.model;
  checkLiveKeys(options, model);
  const deepgram: LiveDeepgramOptions = overDefaults(options, client, liveKeys(model));
  return {
    parameters: liveParameters(deepgram),
    model,
    protocol: liveProtocol(model),
    language: deepgram.language,
    region: regionFor(options.region, client),
    connectTimeoutMs: options.connectTimeoutMs ?? CLIENT_DEFAULTS.live.connectTimeoutMs,
    finishTimeoutMs: options.finishTimeoutMs ?? CLIENT_DEFAULTS.live.finishTimeoutMs,
    encoding: deepgram.encoding,
    sampleRate: deepgram.sample_rate,
    channels: deepgram.channels,
  };
}

/** The client's defaults hold options of both kinds; each call takes those of its own. */
export function overDefaults(
  options: object,
  client: ResolvedOptions,
  keys: readonly string[],
): Record<string, unknown> {
  const defaults = pick(client.defaults, keys);
  const chosen = pick(options, keys);
  const merged = merge(defaults, chosen);
  if (isPlainObject(defaults.query) && isPlainObject(chosen.query)) {
    merged.query = { ...defaults.query, ...chosen.query };
  }
  return merged;
}

function pick(options: object, keys: readonly string[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) if (keys.includes(key)) picked[key] = value;
  return picked;
}

export function regionFor(name: string | undefined, { regions }: ResolvedOptions): Region {
  if (name === undefined) return regions[0];
  const region = regions.find((candidate) => candidate.name === name);
  if (region !== undefined) return region;
  throw invalidOption(
    'region',
    `the name of a region (${regions.map((known) => known.name).join(', ')})`,
    name,
  );
}

export function checkCall(where: string, options: object, keys: Iterable<string>): void {
  checkOptions(where, options, keys, QUERY_ADVICE);
  checkShared(options);
}

function checkShared(options: SharedCallOptions): void {
  checkString('userId', options.userId);
  checkPlainData('metadata', options.metadata);
  checkString('region', options.region);
  checkBoolean('store', options.store);
  checkSignal(options.signal);
}
