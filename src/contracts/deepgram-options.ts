/** A known value that an editor completes, or any other string. */
type Open<Known extends string> = Known | (string & {});

type OneOrMany = string | readonly string[];

export type DeepgramModel = Open<
  | 'nova-3'
  | 'nova-3-general'
  | 'nova-3-medical'
  | 'nova-2'
  | 'nova-2-general'
  | 'nova-2-meeting'
  | 'nova-2-phonecall'
  | 'nova-2-medical'
  | 'enhanced'
  | 'base'
  | 'flux-general-en'
  | 'flux-general-multi'
>;

export type AudioEncoding = Open<
  | 'linear16'
  | 'linear32'
  | 'flac'
  | 'alaw'
  | 'mulaw'
  | 'amr-nb'
  | 'amr-wb'
  | 'opus'
  | 'ogg-opus'
  | 'speex'
  | 'g729'
>;

/** Deepgram's parameters that pre-recorded and live transcription share, under Deepgram's own names. */
export interface SharedDeepgramOptions {
  /** Default `nova-3`, or the client's `defaults.model`. */
  model?: DeepgramModel;
  /** BCP-47 tag, or `multi`. */
  language?: string;
  version?: string;
  /** Capital letters and punctuation. */
  punctuate?: boolean;
  /** Dates, numbers, paragraphs and more in readable form. */
  smart_format?: boolean;
  numerals?: boolean;
  profanity_filter?: boolean;
  /** Classes of information to remove, such as `pci`, `ssn` or `numbers`. Costs extra. */
  redact?: OneOrMany;
  /** Each `find:replacement`. */
  replace?: OneOrMany;
  search?: OneOrMany;
  /** Nova-3 and Flux only. */
  keyterm?: OneOrMany;
  /** `word` or `word:intensifier`. Not on Nova-3: use `keyterm`. */
  keywords?: OneOrMany;
  dictation?: boolean;
  /** Deprecated by Deepgram in favour of `diarize_model`. Costs extra. */
  diarize?: boolean;
  /** `latest`, `v1` or `v2`; switches diarization on. Costs extra. */
  diarize_model?: string;
  detect_entities?: boolean;
  /** Recognises each channel on its own. */
  multichannel?: boolean;
  /** Raw audio only: leave it out for WAV, MP3, WebM and other containers. */
  encoding?: AudioEncoding;
  /** In hertz. Needed with `encoding` on live streams. */
  sample_rate?: number;
  /** Channels of raw audio. */
  channels?: number;
  /** Labels for usage reports, 128 characters at most each. */
  tag?: OneOrMany;
  /** `key:value` pairs that come back in `metadata.extra`, 2048 characters at most each. */
  extra?: OneOrMany;
  mip_opt_out?: boolean;
  /** Parameters that this library does not know yet. Sent as they are. */
  query?: Readonly<Record<string, string | number | boolean | readonly (string | number | boolean)[]>>;
}

/** Deepgram's parameters for pre-recorded audio: `POST /v1/listen`. */
export interface PrerecordedDeepgramOptions extends SharedDeepgramOptions {
  detect_language?: boolean;
  filler_words?: boolean;
  measurements?: boolean;
  paragraphs?: boolean;
  utterances?: boolean;
  /** Seconds of pause that end an utterance. */
  utt_split?: number;
  sentiment?: boolean;
  /** `v2`, or true for Deepgram's current version. */
  summarize?: boolean | string;
  topics?: boolean;
  custom_topic?: OneOrMany;
  custom_topic_mode?: Open<'strict' | 'extended'>;
  intents?: boolean;
  custom_intent?: OneOrMany;
  custom_intent_mode?: Open<'strict' | 'extended'>;
}

/** Deepgram's parameters that the Flux models alone have: WebSocket `/v2/listen`. */
export interface FluxDeepgramOptions {
  /** How sure it must be that a turn has ended, from 0.5 to 1. With 1 only `eot_timeout_ms` ends turns. Default 0.7. */
  eot_threshold?: number;
  /**
   * Switches `turn-eager-end` and `turn-resume` events on: how sure it must be for the first of them, from 0.3 to 0.9,
   * and not above `eot_threshold`.
   */
  eager_eot_threshold?: number;
  /** Milliseconds without speech that end a turn in any case, from 500 to 60000. Default 5000. */
  eot_timeout_ms?: number;
  /** Languages to expect, such as `en` or `es`. `flux-general-multi` only. */
  language_hint?: OneOrMany;
}

/**
 * Deepgram's parameters for live audio: WebSocket `/v1/listen`, and `/v2/listen` for Flux models. Flux takes its own
 * ones and `encoding`, `sample_rate`, `keyterm`, `profanity_filter`, `numerals`, `redact`, `mip_opt_out` and `tag`.
 */
export interface LiveDeepgramOptions extends SharedDeepgramOptions, FluxDeepgramOptions {
  /** Send what has been understood so far while a segment is being spoken. */
  interim_results?: boolean;
  /** Milliseconds of silence that end a segment, or false. */
  endpointing?: number | false;
  /** Milliseconds without a word after which `utterance-end` comes: 1000 or more, with `interim_results`. */
  utterance_end_ms?: number;
  /** Switches `speech-start` events on. */
  vad_events?: boolean;
}
