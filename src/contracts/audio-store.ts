import type { OpenedAudio } from './audio-source.js';

/** What an audio store can do, as data. */
export interface AudioStoreCapabilities {
  /** Other processes, on other machines, open the same refs. */
  readonly shared: boolean;
  /** Audio survives the end of the process. */
  readonly durable: boolean;
}

/** Audio that is kept. */
export interface StoredAudio {
  /** Names the audio in this store: `aud_` and 32 hexadecimal digits. It tells nothing about the audio. */
  readonly ref: string;
  readonly sizeBytes: number;
}

export interface PutAudioOptions {
  /** MIME type, if known. */
  readonly contentType?: string;
  /** Ends the writing. Nothing is left behind. */
  readonly signal?: AbortSignal;
}

/**
 * Where the audio of queued jobs is kept that has no URL.
 *
 * Audio goes through in bounded memory. Failures are StorageErrors.
 */
export interface AudioStore {
  readonly capabilities: AudioStoreCapabilities;
  /**
   * Reads the audio to its end, and resolves when it is kept.
   *
   * Rejects where the audio itself fails, with its error, or where the signal aborts, with an AbortedError; then
   * nothing is left behind.
   */
  put(audio: AsyncIterable<Uint8Array>, options?: PutAudioOptions): Promise<StoredAudio>;
  /** Rejects with the code `audio_not_found` where there is no such audio, or where the ref is none. */
  open(ref: string): Promise<OpenedAudio>;
  /** False where there was no such audio. */
  delete(ref: string): Promise<boolean>;
  /**
   * A URL from which anybody can fetch the audio for that long, where the store can give one. Deepgram then fetches
   * it from there, instead of through this process.
   */
  url?(ref: string, options: { readonly expiresInSeconds: number }): Promise<string>;
  /** Deletes audio that was put before the time (ISO 8601, UTC). Resolves to how many there were. */
  purge?(query: { readonly createdBefore: string }): Promise<number>;
  /** Resolves where audio can be written and read now; rejects with a StorageError that says why not. */
  health?(): Promise<void>;
  /** Lets go of what the store itself has opened. Safe to call twice. */
  close?(): Promise<void>;
}
