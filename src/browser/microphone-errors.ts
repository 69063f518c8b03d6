import type { ErrorCode } from '../errors/index.js';

/** Why there is no sound. */
export type MicrophoneErrorCode = Extract<ErrorCode, `microphone_${string}`>;

type Explanation = readonly [MicrophoneErrorCode, string];

const UNKNOWN: Explanation = [
  'microphone_unsupported',
  'The microphone could not be started. The cause says why.',
];

const DENIED =
  'The page may not use the microphone. Allow it in the browser’s site settings, and start again after a click; in a frame, set allow="microphone".';
const MISSING = 'No such microphone was found. Plug one in, or choose another device.';
const BUSY =
  'The microphone could not be opened. Close other programs that use it, or plug it in again, then start again.';

const WORKLET =
  'The audio worklet could not be loaded. Allow blob: in script-src of the Content-Security-Policy; or serve MICROPHONE_WORKLET as text/javascript, and name its URL in workletUrl.';

/** What a start fails with, by the name of the error. */
const BY_NAME: Readonly<Record<string, Explanation>> = {
  NotAllowedError: ['microphone_denied', DENIED],
  SecurityError: ['microphone_denied', DENIED],
  NotFoundError: ['microphone_missing', MISSING],
  OverconstrainedError: ['microphone_missing', MISSING],
  NotReadableError: ['microphone_busy', BUSY],
  AbortError: ['microphone_busy', BUSY],
  WorkletError: ['microphone_unsupported', WORKLET],
};

/** What the error of the microphone will say. The class itself is not in the code that is loaded later. */
export class MicrophoneFault extends Error {
  readonly code: MicrophoneErrorCode;

  constructor(code: MicrophoneErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Of an error of the browser's. */
export function toFault(error: unknown): MicrophoneFault {
  if (error instanceof MicrophoneFault) return error;
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  const [code, message] = (Object.hasOwn(BY_NAME, name) && BY_NAME[name]) || UNKNOWN;
  return new MicrophoneFault(code, message, error);
}

export function unsupported(): MicrophoneFault {
  return new MicrophoneFault(
    'microphone_unsupported',
    'This page cannot record. Serve it over https (or from localhost), in a browser that has getUserMedia and AudioWorklet or MediaRecorder.',
  );
}
