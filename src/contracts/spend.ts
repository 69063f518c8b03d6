import type { AudioSourceKind } from './audio-source.js';
import type { TranscriptMode } from './transcript.js';

/** What is known before audio is sent. */
export interface SpendFacts {
  readonly mode: TranscriptMode;
  readonly source: AudioSourceKind | 'live';
  readonly model: string;
  readonly userId?: string;
  /** The call's `durationSeconds`. */
  readonly durationSeconds?: number;
  readonly sizeBytes?: number;
}

/**
 * A limit in seconds of audio, or a function that is asked at each call: undefined lets the call pass.
 * Rejecting refuses it.
 */
export type SpendLimit = number | ((facts: SpendFacts) => number | undefined | Promise<number | undefined>);

/** Deepgram bills what it processed, and takes nothing back: these limits refuse audio before it is sent. */
export interface SpendOptions {
  /** The longest audio of one call. It needs the call's `durationSeconds`. Default: no limit. */
  maxDurationSeconds?: SpendLimit;
  /**
   * Audio in any 60 minutes, every mode and channel counted, in this process. A number is for all calls of the
   * client together; a function for the calls of the user whose `userId` it is asked for. Default: no limit.
   */
  maxAudioSecondsPerHour?: SpendLimit;
  /**
   * What to do where a limit needs `durationSeconds` and the call has none. Live sessions never have one, and
   * pass. Default `allow`.
   */
  unknownDuration?: 'allow' | 'refuse';
}
