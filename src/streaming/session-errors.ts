import type { LiveClose } from '../contracts/index.js';
import { BadRequestError, TimeoutError, TranscriptionError } from '../errors/index.js';

/** How a connection ends that took no more although it had not closed. */
export const BROKEN: LiveClose = { code: 1006, reason: '' };

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

/** The warning where the audio ends within a sample. */
export function incompleteSample(bytes: number): string {
  return `The audio ended within a sample: its last ${bytes} byte(s) were not sent. Check the encoding.`;
}

export function fluxOnly(): BadRequestError {
  return new BadRequestError('Only streams of Flux models can be configured while they run.', {
    code: 'invalid_option',
  });
}

/** The warning where the end of a stream is not confirmed in time. */
export function finishTimedOut(timeoutMs: number): string {
  return `Deepgram did not end the stream within ${timeoutMs} ms. The transcript has what came until then.`;
}

export function isRetryable(error: Error): boolean {
  return !TranscriptionError.isInstance(error) || error.retryable;
}
