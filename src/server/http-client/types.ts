import type { JobWebhook, PrerecordedDeepgramOptions, TranscriptMode } from '../../contracts/index.js';

export type {
  AsyncAnswer,
  HealthAnswer,
  JobAnswer,
  JobEventAnswer,
  StreamAnswer,
  SyncAnswer,
  TokenAnswer,
  TranscribeAnswer,
} from '../http/answers.js';

/**
 * What goes over the wire, as plain types: whoever uses the client need not have zod. The tests hold them equal to the
 * schemas of the handlers.
 */

/** Deepgram's options, under Deepgram's own names. The server says which of them a request may set. */
export type DeepgramRequestOptions = Omit<PrerecordedDeepgramOptions, 'query'>;

interface AudioFacts {
  /** Picks the mode yourself. Default: the router decides. */
  readonly mode?: TranscriptMode;
  /** Seconds, where the length is known: the router decides by it. */
  readonly audioDuration?: number;
  /** 0, the default, runs first. */
  readonly priority?: number;
  /** The same key gets the same transcript or job, for 24 hours; with other audio the answer is 409. */
  readonly idempotencyKey?: string;
  /** Plain JSON data of yours, kept with the transcript and the job. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly options?: DeepgramRequestOptions;
}

/** Audio at a URL. */
export interface TranscribeRequest extends AudioFacts {
  /** http(s) URL, which Deepgram fetches. Only mode `stream` goes without. */
  readonly audioUrl?: string;
  /** Your own id. Another one is refused with 403. */
  readonly userId?: string;
  /** Where the job tells of its end. Taken where the server allows webhooks. */
  readonly webhook?: JobWebhook;
}

/** Audio that is uploaded. A stream goes up as it is read, which of the browsers only some can do, over HTTP/2. */
export type AudioBody = Blob | ArrayBuffer | Uint8Array | ReadableStream<Uint8Array>;

export interface CallOptions {
  /** Ends the call. It rejects with code `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

export interface UploadOptions extends AudioFacts, CallOptions {
  /** Such as `audio/wav`. Default: that of a blob, or `application/octet-stream`. */
  readonly contentType?: string;
  /** Where the job tells of its end. Taken where the server allows webhooks. */
  readonly webhook?: Pick<JobWebhook, 'url'>;
}

export type TranscriptFormat = 'txt' | 'srt' | 'vtt';
