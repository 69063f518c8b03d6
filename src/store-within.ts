import type { Clock, EventSink, Transcript } from './contracts/index.js';
import { toTranscriptionError } from './errors/index.js';
import { raceAbort } from './internal/abort.js';
import { startDeadline } from './resilience/deadline.js';
import type { TranscriptArchive, TranscriptFacts } from './transcript/archive.js';

export interface StoreParts {
  readonly archive: TranscriptArchive;
  readonly clock: Clock;
  readonly emit: EventSink;
}

/**
 * Stores a transcript, and gives up waiting when the time is over or the signal aborts: a storage that hangs
 * must not hold a transcript that is there and paid for. Never rejects.
 */
export async function storeWithin(
  { archive, clock, emit }: StoreParts,
  transcript: Transcript,
  facts: TranscriptFacts,
  limits: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadline = startDeadline({ clock, ...limits, what: 'Storing the transcript', option: 'timeoutMs' });
  try {
    await raceAbort(archive.saveOrReport(transcript, facts), deadline.signal);
  } catch (error) {
    const { code } = toTranscriptionError(error);
    emit({ type: 'storage-failure', operation: 'put', collection: 'transcripts', id: transcript.id, code });
  } finally {
    deadline.dispose();
  }
}
