import { requireKeys, requireOneOf, requireWhole, requireWithin } from '../check-options.js';

/** How speech is synthesized. All fields are optional. */
export interface SpeechFormat {
  /** Whole Hertz, 8000 to 48000. Default 16000. */
  readonly sampleRate?: number;
  /** Default `wav`. `raw` has no header. */
  readonly container?: 'wav' | 'raw';
  /** 16-bit little-endian samples, the default and the only encoding. */
  readonly encoding?: 'linear16';
  /** 1 to 16. The words are on channel 0, the other channels are silent. Default 1. */
  readonly channels?: number;
  /** Silence between words, 0.05 to 3600. Default 0.12. */
  readonly pauseSeconds?: number;
  /** Silence before the first word, 0 to 3600. Default 0.1. */
  readonly leadSeconds?: number;
  /** Silence after the last word, 0 to 3600. Default 0.3. */
  readonly trailSeconds?: number;
}

const KEYS = [
  'sampleRate',
  'container',
  'encoding',
  'channels',
  'pauseSeconds',
  'leadSeconds',
  'trailSeconds',
] as const;
const MAX_CHANNELS = 16;
const MAX_SILENCE_SECONDS = 3600;
const MIN_PAUSE_SECONDS = 0.05;

/** Fills in the defaults. Throws a TypeError or RangeError that names the option, its bounds and the value. */
export function resolveFormat(format: SpeechFormat): Required<SpeechFormat> {
  requireKeys('the format', format, KEYS);
  const resolved = {
    sampleRate: format.sampleRate ?? 16_000,
    container: format.container ?? 'wav',
    encoding: format.encoding ?? 'linear16',
    channels: format.channels ?? 1,
    pauseSeconds: format.pauseSeconds ?? 0.12,
    leadSeconds: format.leadSeconds ?? 0.1,
    trailSeconds: format.trailSeconds ?? 0.3,
  };
  requireWhole('sampleRate', resolved.sampleRate, 8000, 48_000);
  requireOneOf('container', resolved.container, ['wav', 'raw']);
  requireOneOf('encoding', resolved.encoding, ['linear16']);
  requireChannelCount('channels', resolved.channels);
  requirePause('pauseSeconds', resolved.pauseSeconds);
  requireWithin('leadSeconds', resolved.leadSeconds, 0, MAX_SILENCE_SECONDS);
  requireWithin('trailSeconds', resolved.trailSeconds, 0, MAX_SILENCE_SECONDS);
  return resolved;
}

export function requireChannelCount(name: string, value: number): void {
  requireWhole(name, value, 1, MAX_CHANNELS);
}

export function requirePause(name: string, value: number): void {
  requireWithin(name, value, MIN_PAUSE_SECONDS, MAX_SILENCE_SECONDS);
}
