import type { TranscriptionError } from './transcription-error.js';

/** Tells the error where it happened. What it knows already stays. */
export function addContext(
  error: TranscriptionError,
  context: { readonly region: string; readonly attempt?: number },
): TranscriptionError {
  const fields = error as { region: string | undefined; attempt: number | undefined };
  fields.region ??= context.region;
  fields.attempt ??= context.attempt;
  return error;
}

/** Adds a sentence on what to do, once. */
export function addAdvice(error: TranscriptionError, advice: string): void {
  if (!error.message.endsWith(advice)) error.message = `${error.message} ${advice}`;
}
