import { AbortedError, TimeoutError, TranscriptionError } from '../errors/index.js';

/** For calls that come after `finish()` or after the end; the cause says why it failed, where it did. */
export function endedError(cause?: unknown): TranscriptionError {
  return new TranscriptionError(
    'This live transcription has been finished or has ended. Open another one with stream().',
    { code: 'live_ended', cause },
  );
}

/** A reason of our own type is passed on as it is. */
export function abortedError(reason: unknown): Error {
  if (AbortedError.isInstance(reason)) return reason;
  return new AbortedError('The live transcription was aborted.', { code: 'aborted', cause: reason });
}

/** Two sources at a time would be mixed up. */
export function pipeBusyError(): TranscriptionError {
  return new TranscriptionError(
    'Another source is being read by pipeFrom(). Await its promise first, with preventFinish: true for all but the last, or open another stream().',
    { code: 'live_consumed' },
  );
}

/** The audio that `finish()` has to send first does not leave. */
export function stalledError(timeoutMs: number, region: string): TimeoutError {
  return new TimeoutError(
    `The audio could not be sent: Deepgram took nothing for ${timeoutMs} ms. Check the network, or raise finishTimeoutMs.`,
    { code: 'timeout', retryable: true, region },
  );
}

/** The warning where a stream that was asked to end closes normally, and yet unconfirmed. */
export const UNCONFIRMED_END =
  'Deepgram closed the stream without the Metadata message that ends it. The last words may be missing.';
