/** Where Deepgram hands in the results of jobs with `delivery: 'callback'`. */
export interface CallbackOptions {
  /**
   * Public `https:` URL of the route that calls `handleCallback()`, on port 443, 80, 8080 or 8443: Deepgram takes no
   * others. Plain http and other ports pass where no region is Deepgram's own. A user name and a password in it are
   * sent to the route as Basic authorization.
   */
  url: string;
  /**
   * 24 to 1024 characters. Several while one takes the place of another: the first one signs, and what any of them has
   * signed is taken.
   */
  secret: string | readonly string[];
  /** Longest wait for the result of one attempt, once Deepgram has taken it. Default 3600000. */
  timeoutMs?: number;
  /**
   * Bytes of the longest body that is read. Default 67108864, which is 64 MiB. Bodies that are still coming may hold 4
   * times as much, at least 64 MiB, all of them together; then the largest is refused.
   */
  maxBodyBytes?: number;
}

/** What a route got from Deepgram. A fetch `Request` fits. */
export interface CallbackRequest {
  /**
   * As it came: a text, bytes, or a stream of bytes, such as a fetch `ReadableStream` or Node's request. What a parser
   * of JSON made of it is taken as well; how long it may be is then the parser's matter.
   */
  readonly body: unknown;
}

/**
 * What became of a callback.
 *
 * - `completed`: the job has its transcript.
 * - `failed`: what came is no transcript, and the job has failed.
 * - `duplicate`: the job had its transcript already.
 * - `stale`: it changes nothing, because the job has ended without a transcript, or because it is a failure of an
 *   attempt that another one has followed.
 * - `malformed`: no JSON, or no body at all.
 * - `too-large`: longer than `callback.maxBodyBytes`.
 * - `forged`: the secret is missing or wrong.
 * - `swapped`: the secret is that of another request than the result.
 * - `unknown`: the job is not in the storage, or no longer.
 */
export type CallbackOutcome =
  | 'completed'
  | 'failed'
  | 'duplicate'
  | 'stale'
  | 'malformed'
  | 'too-large'
  | 'forged'
  | 'swapped'
  | 'unknown';

export interface CallbackResult {
  /** For the route to answer. What is no 2xx, Deepgram hands in again, up to ten times, 30 seconds apart. */
  readonly httpStatus: 200 | 400 | 401 | 404 | 409 | 413;
  readonly outcome: CallbackOutcome;
  /** Set where the secret is right. */
  readonly jobId?: string;
}
