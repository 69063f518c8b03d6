import type { Deepgram, DeepgramClient } from '@deepgram/sdk';
import type {
  FluxDeepgramOptions,
  LiveDeepgramOptions,
  PrerecordedDeepgramOptions,
} from '../contracts/index.js';

/** What a parameter may be, and within which bounds. */
export type OptionKind =
  | { readonly type: 'boolean' }
  | { readonly type: 'string'; readonly maxLength?: number }
  /** One string or several; several repeat the key. */
  | { readonly type: 'strings'; readonly maxLength?: number }
  | { readonly type: 'number'; readonly min: number; readonly max: number; readonly integer: boolean }
  | { readonly type: 'boolean-or-string' }
  /** false, or a number within the bounds. */
  | { readonly type: 'false-or-number'; readonly min: number; readonly max: number };

type OptionTable<Options> = { readonly [Key in Exclude<keyof Options, 'query'>]-?: OptionKind };

/** The SDK's keys, so that a parameter which a new version of it brings cannot be overlooked here. */
type SdkPrerecorded = Omit<
  Deepgram.listen.v1.MediaTranscribeRequestOctetStream & Deepgram.listen.v1.ListenV1RequestUrl,
  'callback' | 'callback_method' | 'url'
>;
type SdkLive = Omit<
  Parameters<DeepgramClient['listen']['v1']['connect']>[0],
  'callback' | 'callback_method' | ConnectionArgument
>;
type SdkFlux = Omit<Parameters<DeepgramClient['listen']['v2']['connect']>[0], ConnectionArgument>;
/** Arguments of the SDK's connect() that are no parameters of Deepgram's. */
type ConnectionArgument =
  | 'Authorization'
  | 'protocols'
  | 'queryParams'
  | 'headers'
  | 'debug'
  | 'reconnectAttempts'
  | 'connectionTimeoutInSeconds'
  | 'abortSignal'
  | 'shouldReconnect'
  | 'agent';

const flag: OptionKind = { type: 'boolean' };
const text: OptionKind = { type: 'string' };
const texts: OptionKind = { type: 'strings' };

/** Keys that pre-recorded and live transcription share. */
const SHARED = {
  model: text,
  language: text,
  version: text,
  punctuate: flag,
  smart_format: flag,
  numerals: flag,
  profanity_filter: flag,
  redact: texts,
  replace: texts,
  search: texts,
  keyterm: texts,
  keywords: texts,
  dictation: flag,
  diarize: flag,
  diarize_model: text,
  detect_entities: flag,
  multichannel: flag,
  encoding: text,
  sample_rate: { type: 'number', min: 1000, max: 384_000, integer: true },
  channels: { type: 'number', min: 1, max: 64, integer: true },
  tag: { type: 'strings', maxLength: 128 },
  extra: { type: 'strings', maxLength: 2048 },
  mip_opt_out: flag,
} as const satisfies Record<string, OptionKind>;

/** Every parameter of `POST /v1/listen` but `callback`, which has a mode of its own. */
export const PRERECORDED_OPTIONS = {
  ...SHARED,
  detect_language: flag,
  filler_words: flag,
  measurements: flag,
  paragraphs: flag,
  utterances: flag,
  utt_split: { type: 'number', min: 0, max: 60, integer: false },
  sentiment: flag,
  summarize: { type: 'boolean-or-string' },
  topics: flag,
  custom_topic: texts,
  custom_topic_mode: text,
  intents: flag,
  custom_intent: texts,
  custom_intent_mode: text,
} as const satisfies OptionTable<PrerecordedDeepgramOptions> & OptionTable<SdkPrerecorded>;

/** Every parameter of the WebSocket `/v1/listen` but `callback`. */
export const LIVE_OPTIONS = {
  ...SHARED,
  interim_results: flag,
  endpointing: { type: 'false-or-number', min: 0, max: 60_000 },
  // Source: Deepgram's documentation of utterance_end_ms, which works on interim results and their pace.
  utterance_end_ms: { type: 'number', min: 1000, max: 60_000, integer: true },
  vad_events: flag,
} as const satisfies OptionTable<Omit<LiveDeepgramOptions, keyof FluxDeepgramOptions>> & OptionTable<SdkLive>;

/** Every parameter of the WebSocket `/v2/listen`. The bounds are those of Deepgram's reference. */
export const FLUX_OPTIONS = {
  model: text,
  encoding: text,
  sample_rate: SHARED.sample_rate,
  eot_threshold: { type: 'number', min: 0.5, max: 1, integer: false },
  eager_eot_threshold: { type: 'number', min: 0.3, max: 0.9, integer: false },
  eot_timeout_ms: { type: 'number', min: 500, max: 60_000, integer: true },
  keyterm: texts,
  language_hint: texts,
  profanity_filter: flag,
  numerals: flag,
  redact: texts,
  tag: SHARED.tag,
  mip_opt_out: flag,
} as const satisfies OptionTable<FluxDeepgramOptions> & OptionTable<SdkFlux>;
