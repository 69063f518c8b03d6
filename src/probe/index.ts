import { spells } from '../audio/containers/byte-text.js';
import type { Clock } from '../contracts/index.js';
import { abortError, raceAbort } from '../internal/abort.js';
import { startDeadline } from '../resilience/deadline.js';
import { readMp4Seconds } from './mp4.js';
import { readOggSeconds } from './ogg.js';
import { type LoadParser, loadParser, readParsedSeconds } from './parsed.js';
import { ProbedBytes } from './probed-bytes.js';
import type { RangeReader } from './range-reader.js';
import { isWav, readWavSeconds } from './wav.js';

export { localOpener } from './open-local.js';
export { remoteOpener } from './open-remote.js';
export { createProbeTargets } from './target.js';

export interface ProbeOptions {
  /** Its reader is closed again. */
  readonly open: (signal: AbortSignal) => Promise<RangeReader>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told where the packages are missing that know the format. */
  readonly onMissing: () => void;
  readonly load?: LoadParser;
}

const TIMEOUT_MS = 3000;
/** More than any audio lasts that can be sent. */
const MAX_SECONDS = 1_000_000;

/**
 * The length of audio in seconds, as the audio tells it. Undefined where it cannot be read, whatever the reason.
 *
 * Rejects only where the signal aborts.
 */
export async function probeSeconds(options: ProbeOptions): Promise<number | undefined> {
  const { open, clock, signal } = options;
  const deadline = startDeadline({
    clock,
    timeoutMs: TIMEOUT_MS,
    signal,
    what: 'The probe',
    advice: 'Pass durationSeconds.',
  });
  const opening = open(deadline.signal);
  try {
    const reader = await raceAbort(opening, deadline.signal);
    const seconds = await raceAbort(
      readSeconds(new ProbedBytes(reader, deadline.signal), options),
      deadline.signal,
    );
    return seconds !== undefined && seconds > 0 && seconds <= MAX_SECONDS ? seconds : undefined;
  } catch {
    if (signal.aborted) throw abortError(signal);
    return undefined;
  } finally {
    deadline.dispose();
    // What was opened too late is closed as well.
    opening.then((reader) => reader.close()).catch(() => undefined);
  }
}

async function readSeconds(bytes: ProbedBytes, options: ProbeOptions): Promise<number | undefined> {
  const begin = await bytes.read(0, 16);
  if (spells(begin, 'OggS')) return readOggSeconds(bytes);
  if (spells(begin, 'ftyp', 4)) return readMp4Seconds(bytes);
  if (isWav(begin)) return readWavSeconds(bytes);
  const parser = await (options.load ?? loadParser)().catch(() => undefined);
  if (parser !== undefined) return readParsedSeconds(bytes, parser);
  options.onMissing();
  return undefined;
}
