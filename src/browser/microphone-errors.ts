import { type ErrorCode, TranscriptionError } from '../errors/index.js';

/** Why there is no sound. */
export type MicrophoneErrorCode =
  | 'microphone_denied'
  | 'microphone_missing'
  | 'microphone_busy'
  | 'microphone_unsupported';

/** A TranscriptionError of the microphone. */
export interface MicrophoneError extends Omit<TranscriptionError, 'code'> {
  readonly code: ErrorCode | MicrophoneErrorCode;
}

const DENIED =
  'The page may not use the microphone. Allow it in the browser’s site settings, and start again after a click; in a frame, set allow="microphone".';
const MISSING = 'No such microphone was found. Plug one in, or choose another device.';
const BUSY =
  'The microphone could not be opened. Close other programs that use it, or plug it in again, then start again.';

const WORKLET =
  'The audio worklet could not be loaded. Allow blob: in script-src of the Content-Security-Policy; or serve MICROPHONE_WORKLET as text/javascript, and name its URL in workletUrl.';

/** What a start fails with, by the name of the error. */
const BY_NAME: Readonly<Record<string, readonly [MicrophoneErrorCode, string]>> = {
  NotAllowedError: ['microphone_denied', DENIED],
  SecurityError: ['microphone_denied', DENIED],
  NotFoundError: ['microphone_missing', MISSING],
  OverconstrainedError: ['microphone_missing', MISSING],
  NotReadableError: ['microphone_busy', BUSY],
  AbortError: ['microphone_busy', BUSY],
  WorkletError: ['microphone_unsupported', WORKLET],
};

function microphoneError(
  code: ErrorCode | MicrophoneErrorCode,
  message: string,
  cause?: unknown,
): MicrophoneError {
  return new TranscriptionError(message, { code: code as ErrorCode, cause });
}

/** An error of the browser's, as one of ours. */
export function toMicrophoneError(error: unknown): MicrophoneError {
  if (TranscriptionError.isInstance(error)) return error;
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  const known = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined;
  if (known !== undefined) return microphoneError(...known, error);
  return microphoneError(
    'microphone_unsupported',
    'The microphone could not be started. The cause says why.',
    error,
  );
}

export function unsupportedError(): MicrophoneError {
  return microphoneError(
    'microphone_unsupported',
    'This page cannot record. Serve it over https (or from localhost), in a browser that has getUserMedia and AudioWorklet or MediaRecorder.',
  );
}
