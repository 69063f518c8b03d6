import type { Clock } from '../../contracts/clock.js';
import { systemClock } from '../../internal/system-clock.js';
import { show } from '../../internal/validate.js';
import {
  requireFunction,
  requireKeys,
  requireText,
  requireTexts,
  requireWhole,
  requireWithin,
} from '../check-options.js';
import type { Recognizer } from '../recognizer.js';
import { syntheticSpeechRecognizer } from '../speech/index.js';
import { withLanguage } from './languages.js';

export interface DeepgramEmulatorOptions {
  /** Default 0: the system chooses a free port. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Hears the words in the audio. Default `syntheticSpeechRecognizer`, which reads what `synthesizeSpeech` says. */
  readonly recognizer?: Recognizer;
  /** The language that is spoken where the recognizer does not name it for a word. Default `en`. */
  readonly language?: string;
  /** The API keys that pass. Default: any key and any token passes. */
  readonly apiKeys?: readonly string[];
  /** The models that exist. Default: all. */
  readonly models?: readonly string[];
  /** Milliseconds until a pre-recorded request is answered. Default 0. */
  readonly processingMs?: number;
  /** Recordings that are processed at the same time. More are answered with 429. Default: any number. */
  readonly maxConcurrent?: number;
  /** The region that the journal names. Default: none. */
  readonly region?: string;
  /**
   * What `processingMs`, the faults, the time limits of live streams, the retries of callbacks, the life of granted tokens and the journal go by.
   * Default: the system's time.
   */
  readonly clock?: Clock;
  readonly live?: LiveOptions;
}

export interface LiveOptions {
  /** Milliseconds of audio between two looks at it, and so between two interim results. Default 300. */
  readonly interimIntervalMs?: number;
  /** Pause in milliseconds that ends an utterance. The query parameter `endpointing` overrides it. Default 300. */
  readonly endpointingMs?: number;
  /** An utterance longer than this is reported in several finals. Default 5. */
  readonly maxSegmentSeconds?: number;
  /**
   * A stream that receives nothing for so many milliseconds is closed with NET-0001. Before the first audio a
   * KeepAlive does not count. Default 10000.
   */
  readonly idleTimeoutMs?: number;
  /**
   * A stream whose audio comes faster than so many times real time is closed, once it is 10 seconds ahead. Deepgram
   * documents 1.25. Default: any speed passes, so that tests need not wait.
   */
  readonly maxRealtimeFactor?: number;
  /** Live streams that are open at the same time, of v1 and Flux together. More are refused with 429. Default: any number. */
  readonly maxConcurrent?: number;
}

export type ResolvedLiveOptions = Required<LiveOptions>;

export interface ResolvedOptions {
  readonly port: number;
  readonly host: string;
  readonly recognizer: Recognizer;
  readonly apiKeys: readonly string[] | undefined;
  readonly models: readonly string[] | undefined;
  readonly processingMs: number;
  readonly maxConcurrent: number | undefined;
  readonly region: string | undefined;
  readonly clock: Clock;
  readonly live: ResolvedLiveOptions;
}

const KEYS = [
  'port',
  'host',
  'recognizer',
  'language',
  'apiKeys',
  'models',
  'processingMs',
  'maxConcurrent',
  'region',
  'clock',
  'live',
] as const;
const CLOCK_METHODS = ['monotonicMs', 'wallMs', 'setTimer'] as const;
const LIVE_KEYS = [
  'interimIntervalMs',
  'endpointingMs',
  'maxSegmentSeconds',
  'idleTimeoutMs',
  'maxRealtimeFactor',
  'maxConcurrent',
] as const;

/** The longest delay that a timer takes. */
export const MAX_MS = 2_147_483_647;

/** Fills in the defaults. Throws a TypeError or RangeError that names the option, its bounds and the value. */
export function resolveOptions(options: DeepgramEmulatorOptions): ResolvedOptions {
  requireKeys('the options of the emulator', options, KEYS);
  const resolved = {
    port: options.port ?? 0,
    host: options.host ?? '127.0.0.1',
    recognizer: options.recognizer ?? syntheticSpeechRecognizer,
    language: options.language ?? 'en',
    apiKeys: options.apiKeys,
    models: options.models,
    processingMs: options.processingMs ?? 0,
    maxConcurrent: options.maxConcurrent,
    region: options.region,
    clock: options.clock ?? systemClock,
    live: resolveLive(options.live ?? {}),
  };
  requireWhole('port', resolved.port, 0, 65_535);
  requireText('host', resolved.host);
  requireFunction('recognizer', resolved.recognizer);
  requireTexts('apiKeys', resolved.apiKeys);
  requireTexts('models', resolved.models);
  requireWithin('processingMs', resolved.processingMs, 0, MAX_MS);
  if (resolved.maxConcurrent !== undefined) {
    requireWhole('maxConcurrent', resolved.maxConcurrent, 1, Number.MAX_SAFE_INTEGER);
  }
  if (resolved.region !== undefined) requireText('region', resolved.region);
  requireClock(resolved.clock);
  const { language, ...rest } = resolved;
  requireText('language', language);
  return { ...rest, recognizer: withLanguage(resolved.recognizer, language) };
}

function requireClock(clock: Clock): void {
  const isClock =
    typeof clock === 'object' &&
    clock !== null &&
    CLOCK_METHODS.every((method) => typeof clock[method] === 'function');
  if (isClock) return;
  throw new TypeError(
    `clock: must be an object with the methods ${CLOCK_METHODS.join(', ')}, got ${show(clock)}`,
  );
}

function resolveLive(live: LiveOptions): ResolvedLiveOptions {
  requireKeys('live', live, LIVE_KEYS);
  const resolved = {
    interimIntervalMs: live.interimIntervalMs ?? 300,
    endpointingMs: live.endpointingMs ?? 300,
    maxSegmentSeconds: live.maxSegmentSeconds ?? 5,
    idleTimeoutMs: live.idleTimeoutMs ?? 10_000,
    maxRealtimeFactor: live.maxRealtimeFactor ?? Number.POSITIVE_INFINITY,
    maxConcurrent: live.maxConcurrent ?? Number.POSITIVE_INFINITY,
  };
  requireWithin('live.interimIntervalMs', resolved.interimIntervalMs, 1, MAX_MS);
  requireWithin('live.endpointingMs', resolved.endpointingMs, 0, MAX_MS);
  requireWithin('live.maxSegmentSeconds', resolved.maxSegmentSeconds, 0.5, MAX_MS / 1000);
  requireWithin('live.idleTimeoutMs', resolved.idleTimeoutMs, 1, MAX_MS);
  requireWithin('live.maxRealtimeFactor', resolved.maxRealtimeFactor, 1, Number.POSITIVE_INFINITY);
  if (live.maxConcurrent !== undefined) {
    requireWhole('live.maxConcurrent', live.maxConcurrent, 1, Number.MAX_SAFE_INTEGER);
  }
  return resolved;
}
