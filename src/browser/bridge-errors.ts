import type { ErrorCode, TranscriptionError } from '../errors/index.js';
import { createError } from './errors.js';

type Facts = readonly [name: string, code: ErrorCode, message: string, retryable?: boolean];

/** Closes that another connection would not help, and 1013, where none helped. */
const BY_CLOSE_CODE: Readonly<Record<number, Facts>> = {
  1000: [
    'NetworkError',
    'connection_closed',
    'The bridge ended the session too early. Start a new one.',
    true,
  ],
  1009: [
    'BadRequestError',
    'payload_too_large',
    'A message was too large for the bridge. Raise its maxFrameBytes to 8192.',
  ],
  1013: [
    'RateLimitError',
    'rate_limited',
    'The bridge has no room for another session. Try again later.',
    true,
  ],
  4401: ['AuthError', 'invalid_credentials', 'The bridge refused the token. Let token() return a fresh one.'],
  4404: [
    'TranscriptionError',
    'live_ended',
    'The session is not there any more: the connection was away for too long, or the server was started anew. Start a new one, or raise resumeMs of the bridge.',
  ],
  4408: ['TimeoutError', 'timeout', 'The session was idle, or open, for too long. Start a new one.'],
  4409: ['TranscriptionError', 'live_consumed', 'The session was taken over by another connection.'],
};

function toError([name, code, message, retryable = false]: Facts, cause?: unknown): TranscriptionError {
  return createError(name, message, { code, retryable, cause });
}

/** The error of a close that another connection would not help, or undefined. */
export function fatalCloseError(code: number, reason: string): TranscriptionError | undefined {
  if (code === 4400) {
    // What was wrong, the bridge alone knows.
    const message = `The bridge refused a message. Check the options: ${reason}`;
    return toError(['BadRequestError', 'bad_request', message]);
  }
  const facts = BY_CLOSE_CODE[code];
  return facts === undefined || code === 1013 ? undefined : toError(facts);
}

/** After the last attempt. */
export function givenUpError(code: number, giveUpAfterMs: number, cause?: unknown): TranscriptionError {
  const message = `There was no connection to the bridge for ${giveUpAfterMs} ms (close code ${code}). Check the network, the URL, the page's origin and the token.`;
  return toError(BY_CLOSE_CODE[code] ?? ['NetworkError', 'network', message, true], cause);
}

export function overflowError(): TranscriptionError {
  return toError([
    'NetworkError',
    'network',
    'There was no connection for too long to keep the audio, and a container cannot go on without it. Raise bufferBytes, or send raw audio.',
    true,
  ]);
}

export function abortedError(reason: unknown): TranscriptionError {
  return toError(['AbortedError', 'aborted', 'The live session was aborted.'], reason);
}

export function endedError(): TranscriptionError {
  return toError(['TranscriptionError', 'live_ended', 'The session takes no more audio. Start a new one.']);
}

/** What would fail again, by its own word: a wrong token, a supplier of tokens that has been logged out. */
export function isFinal(cause: unknown): cause is Error {
  return cause instanceof Error && (cause as { retryable?: unknown }).retryable === false;
}
