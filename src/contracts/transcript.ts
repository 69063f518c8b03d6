/** How a transcript was made. */
export type TranscriptMode = 'sync' | 'async' | 'stream';

/** One recognised word. Times are seconds from the beginning of the audio. */
export interface Word {
  /** The word as recognised: lower case, no punctuation. */
  readonly word: string;
  /** The word as it should be shown, with case and punctuation, where the options asked for them. */
  readonly punctuatedWord?: string;
  readonly start: number;
  readonly end: number;
  /** 0 to 1. */
  readonly confidence: number;
  /** Counted from 0, with diarization on. */
  readonly speaker?: number;
  readonly speakerConfidence?: number;
  /** BCP-47 tag, from multilingual models. */
  readonly language?: string;
  /**
   * Live transcripts only: the index of the connection that recognised the word, counted from 0.
   * Speaker numbers restart with each connection.
   */
  readonly connection?: number;
}

/** What was said on one audio channel. */
export interface TranscriptChannel {
  readonly text: string;
  /** 0 to 1. */
  readonly confidence: number;
  readonly words: readonly Word[];
  /** BCP-47 tag, with `detect_language`. */
  readonly detectedLanguage?: string;
}

/** A stretch of speech between two pauses. Filled with `utterances: true`, and on live transcripts. */
export interface Utterance {
  readonly start: number;
  readonly end: number;
  readonly confidence: number;
  readonly channel: number;
  readonly text: string;
  readonly words: readonly Word[];
  readonly speaker?: number;
}

export interface Sentence {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Filled with `paragraphs: true` or `smart_format: true`. */
export interface Paragraph {
  readonly channel: number;
  readonly start: number;
  readonly end: number;
  readonly sentences: readonly Sentence[];
  readonly speaker?: number;
}

/** Deepgram's own answer to a pre-recorded request. Its fields are those of Deepgram's API reference. */
export interface PrerecordedResponse {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly results: Readonly<Record<string, unknown>>;
}

/** Deepgram's own messages of a live session, as received: the final `Results` and each `Metadata`. */
export interface LiveResponse {
  readonly results: readonly unknown[];
  readonly metadata: readonly unknown[];
}

/** The one result model of all modes: plain JSON data. */
export interface Transcript {
  /** The library's own id, `tr_…`. */
  readonly id: string;
  /** Deepgram's id of the request; on live transcripts that of the first connection. */
  readonly requestId: string;
  /** One entry a connection on live transcripts, otherwise one entry. */
  readonly requestIds: readonly string[];
  readonly mode: TranscriptMode;
  /** The whole text. Several channels are joined with a line break. */
  readonly text: string;
  readonly durationSeconds: number;
  /** BCP-47 tag: detected, or asked for. */
  readonly language?: string;
  readonly channels: readonly TranscriptChannel[];
  readonly utterances: readonly Utterance[];
  readonly paragraphs: readonly Paragraph[];
  /** The model that was asked for. */
  readonly model: string;
  /** Name of the region that served the request. */
  readonly region: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** Deepgram's own answer, for result features that have no field of their own here. */
  readonly response: PrerecordedResponse | LiveResponse;
}

/** A transcript together with whose it is, as the client's storage holds it. */
export interface StoredTranscript extends Transcript {
  readonly userId?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Where the audio came from; of a URL neither credentials nor query string. */
  readonly source: string;
  readonly status: 'completed';
  /** The job that made it, in mode `async`. */
  readonly jobId?: string;
}
