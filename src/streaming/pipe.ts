import type { Clock } from '../contracts/index.js';
import { TranscriptionError, UnsupportedSourceError } from '../errors/index.js';
import { raceAbort } from '../internal/abort.js';
import { toBytes } from './audio-bytes.js';
import type { AudioMeter } from './audio-meter.js';
import { readSource, type SourceReader } from './byte-source.js';
import { Pacer } from './pacer.js';
import type { LiveSession } from './session.js';

export interface PipeOptions {
  /** True leaves the session open when the source has ended. Default false. */
  preventFinish?: boolean;
  /** True makes `finish()` wait for the end of the source, which must have one. Default false: it ends now. */
  untilEnd?: boolean;
  /** True sends as fast as it is spoken; otherwise up to 1.25 times as fast. Default false. */
  realtime?: boolean;
}

/** One piece is sent at a time, so that pauses stay short. */
const PIECE_SECONDS = 0.1;
/** While the header has not told the rate, little enough that it may be sent unpaced. */
const PIECE_BYTES_OF_HEADER = 1024;
const PIECE_BYTES_WHERE_UNKNOWN = 32 * 1024;

/**
 * Sends a source to its end. A source that fails, or yields something else than bytes, fails the session; the
 * end of the session cancels the source.
 */
export async function pipe(
  source: unknown,
  session: LiveSession,
  clock: Clock,
  options: PipeOptions,
): Promise<void> {
  const reader = openSource(source, session);
  const pacer = new Pacer(clock, options.realtime ?? false);
  try {
    for (;;) {
      const { done, value } = await nextChunk(reader, session);
      if (done) break;
      await sendPaced(value, session, pacer);
    }
  } catch (error) {
    reader.cancel(error as Error);
    throw error;
  }
  if (!options.preventFinish) await session.finish();
}

function openSource(source: unknown, session: LiveSession): SourceReader {
  try {
    return readSource(source);
  } catch (cause) {
    throw failSession(session, cause);
  }
}

async function nextChunk(
  reader: SourceReader,
  session: LiveSession,
): Promise<{ done: boolean; value: Uint8Array }> {
  let sessionEnded = false;
  try {
    const result = await raceAbort(reader.next(), session.over).catch((error: unknown) => {
      sessionEnded = session.ended;
      throw error;
    });
    return result.done
      ? { done: true, value: new Uint8Array(0) }
      : { done: false, value: toBytes(result.value) };
  } catch (error) {
    throw sessionEnded ? session.over.reason : failSession(session, error);
  }
}

async function sendPaced(chunk: Uint8Array, session: LiveSession, pacer: Pacer): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const piece = chunk.subarray(at, at + pieceBytes(session.meter));
    const seconds = session.meter.seconds(piece.length);
    if (seconds !== undefined) await pause(pacer, seconds, session);
    await session.send(piece);
    at += piece.length;
  }
}

/** Ended sessions say why, rather than that a wait was aborted. */
async function pause(pacer: Pacer, seconds: number, session: LiveSession): Promise<void> {
  try {
    await pacer.wait(seconds, session.over);
  } catch {
    throw session.over.reason;
  }
}

function pieceBytes(meter: AudioMeter): number {
  if (meter.undecided) return PIECE_BYTES_OF_HEADER;
  const { bytesPerSecond } = meter;
  return bytesPerSecond === undefined
    ? PIECE_BYTES_WHERE_UNKNOWN
    : Math.max(1, Math.floor(bytesPerSecond * PIECE_SECONDS));
}

function failSession(session: LiveSession, cause: unknown): unknown {
  const error = TranscriptionError.isInstance(cause)
    ? cause
    : new UnsupportedSourceError('The audio source failed while it was read. Its error is the cause.', {
        code: 'stream_failed',
        cause,
      });
  session.fail(error);
  return error;
}
