// Beside session-errors.ts, so that a session which is not loaded yet has them.
import { AbortedError, TranscriptionError } from '../errors/index.js';

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
