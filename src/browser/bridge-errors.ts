import {
  AbortedError,
  AuthError,
  BadRequestError,
  NetworkError,
  RateLimitError,
  TimeoutError,
  TranscriptionError,
} from '../errors/index.js';

/** The error of a close that another connection would not help, or undefined. */
export function fatalCloseError(code: number): TranscriptionError | undefined {
  switch (code) {
    case 1009:
      return new BadRequestError(
        'A message was too large for the bridge. Raise its maxFrameBytes to 16384 at least.',
        {
          code: 'payload_too_large',
        },
      );
    case 4400:
      return new BadRequestError(
        'The bridge refused a message. Check the options, and that page and server have the same version of the library.',
        { code: 'bad_request' },
      );
    case 4401:
      return new AuthError('The bridge refused the token. Let token() return a fresh one.', {
        code: 'invalid_credentials',
      });
    case 4404:
      return new TranscriptionError(
        'The bridge does not know the session any more: the connection was away for too long. Start a new one; raise resumeMs of the bridge where this happens often.',
        { code: 'live_ended' },
      );
    case 4408:
      return new TimeoutError(
        'The bridge ended the session: it was idle, or open, for too long. Start a new one.',
        {
          code: 'timeout',
        },
      );
    case 4409:
      return new TranscriptionError('The session was taken over by another connection.', {
        code: 'live_consumed',
      });
    default:
      return undefined;
  }
}

/** After the last attempt. */
export function givenUpError(code: number, giveUpAfterMs: number, cause?: unknown): TranscriptionError {
  if (code === 1013) {
    return new RateLimitError('The bridge has no room for another session. Try again later.', {
      code: 'rate_limited',
      retryable: true,
    });
  }
  return new NetworkError(
    `There was no connection to the bridge for ${giveUpAfterMs} ms (close code ${code}). Check the URL, the network, and that the bridge accepts the page's origin and token.`,
    { code: 'network', retryable: true, cause },
  );
}

export function closedEarlyError(): NetworkError {
  return new NetworkError('The bridge closed the session before its end. Start a new one.', {
    code: 'connection_closed',
    retryable: true,
  });
}

export function abortedError(reason: unknown): AbortedError {
  return new AbortedError('The live session was aborted.', { code: 'aborted', cause: reason });
}

export function endedError(): TranscriptionError {
  return new TranscriptionError(
    'The live session takes no more audio: it was finished, or has ended. Start a new one.',
    {
      code: 'live_ended',
    },
  );
}

export function overflowError(): NetworkError {
  return new NetworkError(
    'The connection to the bridge was away for so long that the audio did not fit into memory, and audio in a container cannot go on without it. Raise bufferBytes, or send raw audio.',
    { code: 'network', retryable: true },
  );
}

/** What would fail again, by its own word: a wrong token, a supplier of tokens that has been logged out. */
export function isFinal(cause: unknown): cause is Error {
  return cause instanceof Error && (cause as { retryable?: unknown }).retryable === false;
}
