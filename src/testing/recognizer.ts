/** Decoded audio: one channel, 16-bit samples. */
export interface PcmAudio {
  readonly samples: Int16Array;
  readonly sampleRate: number;
}

/** A recognised word. Times are seconds from the first sample that was handed in. */
export interface RecognizedWord {
  readonly word: string;
  readonly start: number;
  readonly end: number;
  /** 0 to 1. */
  readonly confidence: number;
  /** Such as `en`. Default: the emulator's option `language`. */
  readonly language?: string;
  /** The audio ends before the word does: it is shown in interims, and in a final only where the audio was ended or flushed there. */
  readonly partial?: boolean;
}

/**
 * The ears of the emulator: PCM in, timed words out. It must not remember earlier calls.
 *
 * Live sessions call it again and again with the audio received since the last final.
 */
export type Recognizer = (
  audio: PcmAudio,
  context: { readonly signal: AbortSignal; readonly live: boolean },
) => readonly RecognizedWord[] | Promise<readonly RecognizedWord[]>;
