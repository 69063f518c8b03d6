import type { LiveDeepgramOptions, PrerecordedDeepgramOptions } from './deepgram-options.js';
import type { TranscriptMode } from './transcript.js';
import type { JobWebhook } from './webhook.js';

export interface RetryOptions {
  /** Attempts in all, the first one included. Default 3. */
  attempts?: number;
  /** Shortest back-off. Default 1000. */
  minDelayMs?: number;
  /** Longest back-off; also the longest Retry-After that is waited for. Default 20000. */
  maxDelayMs?: number;
  /**
   * Retry also where Deepgram may have processed, and will bill, the failed attempt: a reset or a time-out
   * after the whole upload, a 504. Default false.
   */
  ambiguous?: boolean;
}

/** Options of ours that every mode takes. */
export interface SharedCallOptions {
  /** Ends the call at once, in every phase. */
  signal?: AbortSignal;
  /** Whose audio it is. Kept with the transcript and the job. */
  userId?: string;
  /** Plain JSON data of yours, kept with the transcript and the job. */
  metadata?: Readonly<Record<string, unknown>>;
  /** Name of the region to use. Default: the first one. */
  region?: string;
  /** False keeps the transcript out of the storage. Default true. */
  store?: boolean;
}

export interface TranscribeOptions extends PrerecordedDeepgramOptions, SharedCallOptions {
  /** Total time for waiting, upload, processing and answer. Default: the client's `timeoutMs`. */
  timeoutMs?: number;
  /** Time for one attempt. Default: none but the total. */
  attemptTimeoutMs?: number;
  retry?: RetryOptions;
  /** 0, the default, runs first, larger numbers later. */
  priority?: number;
  /**
   * A name for this call, 1 to 255 characters. Calls of the same user with the same key, region, Deepgram
   * options and `store` share one request and one transcript, for 24 hours after it; with other audio, or
   * another URL, they are refused with code `idempotency_conflict`. After a failure the key is free again.
   */
  idempotencyKey?: string;
  /**
   * True: the audio itself is the key, or its URL. It is read once more before it is sent, so it must not be a
   * one-shot stream. Default false.
   */
  deduplicate?: boolean;
  /** Length of the audio, where it is known: the limits of `spend` need it. */
  durationSeconds?: number;
}

export interface EnqueueOptions extends PrerecordedDeepgramOptions, SharedCallOptions {
  /** Total time for one attempt of the job. Default: the client's `timeoutMs`. */
  timeoutMs?: number;
  /**
   * Time for the whole job, from enqueue() on: its waiting and all of its attempts. A job that has not ended by then
   * fails with code `timeout`, as soon as a worker has a place for it. Default: none.
   */
  totalTimeoutMs?: number;
  /**
   * A name for this job, 1 to 255 characters. A second enqueue() of the same user with the same key, region and
   * Deepgram options returns the job of the first one, for 24 hours, in whatever state it is; with other audio, or
   * another URL, it is refused with code `idempotency_conflict`. Audio that is no URL is read once more for it.
   */
  idempotencyKey?: string;
  /** 0, the default, runs first, larger numbers later. */
  priority?: number;
  /** Not before this many milliseconds from now. Default 0. */
  delayMs?: number;
  /** Attempts in all. Default 3. */
  attempts?: number;
  /** Tells of the end of the job, by an HTTP request that is signed, and sent again for three days where it fails. */
  webhook?: JobWebhook;
  /**
   * `worker`: a worker waits for the answer. `callback`: it hands in the audio and is free, and Deepgram brings the
   * result to the client's `callback.url`; an attempt whose result does not come in `callback.timeoutMs` is made
   * again. cancel() ends such a job at once, and what Deepgram brings afterwards is dropped: it cannot be told, and
   * bills what it took. Default `worker`.
   */
  delivery?: 'worker' | 'callback';
  /** Length of the audio, where it is known: the limits of `spend` need it. */
  durationSeconds?: number;
}

export interface StreamOptions extends LiveDeepgramOptions, SharedCallOptions {
  /** Longest wait for the connection to open. Default 10000. */
  connectTimeoutMs?: number;
  /** Longest wait in `finish()` for the last results. Default 15000. */
  finishTimeoutMs?: number;
  /**
   * What happens when the connection ends. False: the session fails. Otherwise it connects again, and sends again what
   * was not final; `giveUpAfterMs` (default 900000) is the longest outage, `maxDelayMs` (default 5000) the longest pause
   * between two attempts. Default true.
   */
  reconnect?: boolean | { readonly giveUpAfterMs?: number; readonly maxDelayMs?: number };
  /** Seconds of audio that are kept in memory for the time after an outage. Default 30. */
  replaySeconds?: number;
  /**
   * An outage for which the memory is too short: the audio goes into the client's `audioStore`, and is transcribed by
   * `transcribe()` or as a job once the connection is back. False: a `gap`. Default `sync` where there is such a store.
   */
  repair?: 'sync' | 'queue' | false;
}

/** Facts that help the router, and the options of the mode that it picks. */
export interface SubmitOptions
  extends TranscribeOptions,
    Pick<EnqueueOptions, 'delayMs' | 'attempts' | 'totalTimeoutMs' | 'webhook' | 'delivery'>,
    Omit<StreamOptions, keyof TranscribeOptions> {
  /** Length of the audio, where it is known. */
  durationSeconds?: number;
  /** The audio has no end yet, such as a microphone's: it is streamed. Default false. */
  live?: boolean;
  /**
   * True: a job is as welcome as a transcript. The router queues the audio, instead of transcribing it at once, while
   * all places of `limits` are taken or the region fails, also where `mode` is `sync`. Default: false with a `mode`,
   * otherwise the client's `router.allowAsync`.
   */
  allowAsync?: boolean;
  /** Picks the mode yourself. */
  mode?: TranscriptMode;
}
