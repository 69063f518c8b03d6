import type { Clock } from '../contracts/index.js';
import { TranscriptionError, UnsupportedSourceError } from '../errors/index.js';
import { onAbort, raceAbort } from '../internal/abort.js';
import { checkOptions, checkSignal } from '../internal/check-arguments.js';
import { checkBoolean } from '../internal/validate.js';
import type { AudioMeter } from './audio-meter.js';
import { discardSource, mayBeEndless, openAudio, resolveLiveSource } from './byte-source.js';
import { Pacer } from './pacer.js';
import type { LiveSession } from './session.js';
import type { PipeOptions } from './session-types.js';

/** One piece is sent at a time, so that pauses stay short. */
const PIECE_SECONDS = 0.1;
/** While the header has not told the rate, little enough that it may be sent unpaced. */
const PIECE_BYTES_OF_HEADER = 1024;
const PIECE_BYTES_WHERE_UNKNOWN = 32 * 1024;

/**
 * Sends a source until it ends or its signal aborts. A source that fails, or yields something else than bytes,
 * fails the session, and so do wrong options; the end of the session cancels the source.
 */
export async function pipe(
  source: unknown,
  session: LiveSession,
  clock: Clock,
  options: PipeOptions,
  stopping: AbortSignal,
): Promise<void> {
  refuseWrongOptions(source, session, options);
  const stop = new AbortController();
  const forget = [
    onAbort(session.over, () => stop.abort(session.over.reason)),
    onAbort(options.signal, () => stop.abort(options.signal?.reason)),
    onAbort(stopping, () => stop.abort(stopping.reason)),
  ];
  try {
    const pacer = new Pacer(clock, options.realtime ?? false);
    await sendAll(source, { session, pacer, isPausable: !mayBeEndless(source) }, stop.signal);
  } catch (error) {
    if (session.ended) throw session.over.reason;
    if (!stop.signal.aborted) throw failSession(session, error);
  } finally {
    for (const stopListening of forget) stopListening();
  }
}

function refuseWrongOptions(source: unknown, session: LiveSession, options: PipeOptions): void {
  try {
    checkOptions('pipeFrom()', options, ['preventFinish', 'realtime', 'signal']);
    checkBoolean('preventFinish', options.preventFinish);
    checkBoolean('realtime', options.realtime);
    checkSignal(options.signal);
  } catch (error) {
    discardSource(source);
    throw failSession(session, error);
  }
}

interface Feed {
  readonly session: LiveSession;
  readonly pacer: Pacer;
  /** A file waits while there is no connection. What a microphone says meanwhile must be kept elsewhere. */
  readonly isPausable: boolean;
}

async function sendAll(source: unknown, feed: Feed, stop: AbortSignal): Promise<void> {
  const audio = await openAudio(resolveLiveSource(source), stop);
  const chunks = audio.chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await raceAbort(chunks.next(), stop);
      if (step.done) return;
      await sendPaced(step.value, feed, stop);
    }
  } finally {
    void audio.close(stop.reason);
  }
}

async function sendPaced(
  chunk: Uint8Array,
  { session, pacer, isPausable }: Feed,
  stop: AbortSignal,
): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const piece = chunk.subarray(at, at + pieceBytes(session.meter));
    const seconds = session.meter.seconds(piece.length);
    if (seconds !== undefined) await pacer.wait(seconds, stop);
    await raceAbort(session.send(piece, isPausable), stop);
    at += piece.length;
  }
}

/** Whole samples where they are known: a source that is stopped must not leave the half of one behind. */
function pieceBytes(meter: AudioMeter): number {
  if (meter.undecided) return PIECE_BYTES_OF_HEADER;
  const { blockBytes, bytesPerSecond } = meter;
  const bytes =
    bytesPerSecond === undefined ? PIECE_BYTES_WHERE_UNKNOWN : Math.floor(bytesPerSecond * PIECE_SECONDS);
  return Math.max(1, Math.floor(bytes / blockBytes)) * blockBytes;
}

function failSession(session: LiveSession, cause: unknown): Error {
  const error = TranscriptionError.isInstance(cause)
    ? cause
    : new UnsupportedSourceError('The audio source failed while it was read. Its error is the cause.', {
        code: 'stream_failed',
        cause,
      });
  session.fail(error);
  return error;
}
