import type { ErrorData } from '../contracts/error-data.js';
import * as subclasses from './subclasses.js';
import { type ErrorCode, type ErrorDetails, TranscriptionError } from './transcription-error.js';

/** Builds the error again from its data, as it is kept in job records. */
export function errorFromData(data: ErrorData): TranscriptionError {
  // Own keys only: a name such as `constructor` must not find what objects inherit.
  const ErrorClass = Object.hasOwn(subclasses, data.name)
    ? (subclasses as Record<string, typeof TranscriptionError>)[data.name]
    : undefined;
  const { name: _name, message, code, ...details } = data;
  return new (ErrorClass ?? TranscriptionError)(message, {
    ...details,
    code: code as ErrorCode,
  } satisfies ErrorDetails);
}
