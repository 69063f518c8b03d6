import { TranscriptionError } from './transcription-error.js';

/** Leaves our own errors alone and wraps everything else, so that no foreign error reaches the caller. */
export function toTranscriptionError(value: unknown): TranscriptionError {
  if (TranscriptionError.isInstance(value)) return value;
  return new TranscriptionError(
    'Something failed inside the library. The cause says what; please report it with its stack.',
    { code: 'internal', cause: value },
  );
}
