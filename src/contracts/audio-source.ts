/** A local file, made by `fromFile()`. Opened anew for every attempt. */
export interface FileSource {
  readonly kind: 'file';
  readonly path: string;
}

/** A stream that can be opened again, made by `fromStream()`, and therefore retried. */
export interface StreamSource {
  readonly kind: 'reopenable-stream';
  readonly contentType?: string;
}

/** Node's `Readable` and every other producer of byte chunks. Read once. */
export type ByteIterable = AsyncIterable<Uint8Array | ArrayBuffer>;

/**
 * What can be transcribed.
 *
 * A string is always an http(s) URL, never a path; a plain object is never a source, so a parsed request
 * body can never name a local file.
 */
export type AudioSource =
  | string
  | URL
  | FileSource
  | StreamSource
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | ByteIterable
  | Request
  | Response;

export type AudioSourceKind =
  | 'url'
  | 'file'
  | 'bytes'
  | 'blob'
  | 'stream'
  | 'reopenable-stream'
  | 'http-body';

/** Audio that Deepgram fetches itself. */
export interface UrlAudio {
  readonly kind: 'url';
  readonly url: string;
  /** For records and logs: no credentials, no query string. */
  readonly label: string;
}

/** Audio that was opened and is ready to be read once. */
export interface OpenedAudio {
  /** Fails with code `empty_source` where there is not a single byte. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Known for files, bytes and blobs. */
  readonly sizeBytes?: number;
  /** Where all of it is in memory: the same as `chunks`. */
  readonly bytes?: Uint8Array;
  /** Lets go of what was opened, read or not; a Web stream hears the reason. Safe to call twice; never rejects. */
  close(reason?: unknown): Promise<void>;
}

/** Audio that is uploaded. */
export interface UploadAudio {
  readonly kind: Exclude<AudioSourceKind, 'url'>;
  readonly label: string;
  readonly contentType?: string;
  /** Known for bytes and blobs before they are opened. */
  readonly sizeBytes?: number;
  /** False for one-shot streams: a second `open()` rejects with code `stream_consumed`. */
  readonly reopenable: boolean;
  /** Rejects with an UnsupportedSourceError where there is nothing to read. */
  open(): Promise<OpenedAudio>;
  /** Lets go of a one-shot stream that will not be read; a Web stream hears the reason. */
  discard?(reason?: unknown): void;
}

/** A source that was looked at: its kind is known, nothing has been read. */
export type ResolvedSource = UrlAudio | UploadAudio;
