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

/** Deepgram's parameters for live audio: WebSocket `/v1/listen`. */
export interface LiveDeepgramOptions extends SharedDeepgramOptions {
  /** Send what has been understood so far while a segment is being spoken. */
  interim_results?: boolean;
  /** Milliseconds of silence that end a segment, or false. */
  endpointing?: number | false;
  /** Milliseconds without a word after which `utterance-end` comes: 1000 or more, with `interim_results`. */
  utterance_end_ms?: number;
  /** Switches `speech-start` events on. */
  vad_events?: boolean;
}
