import type { Transcript } from '../contracts/transcript.js';
import { AbortedError, type TranscriptionError, toTranscriptionError } from '../errors/index.js';
import { raceAbort, throwIfAborted } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import type { AttemptOptions, JobContext } from './context.js';
import type { JobRecord } from './record.js';

export type AttemptEnd =
  | { readonly type: 'transcript'; readonly transcript: Transcript }
  | { readonly type: 'error'; readonly error: TranscriptionError }
  /** The worker is closing. */
  | { readonly type: 'closed' }
  | { readonly type: 'cancelled' }
  /** The queue gave the entry to somebody else: this worker has no say any more. */
  | { readonly type: 'withdrawn' };

/** One attempt of an active job. Never rejects, and ends as soon as the signal aborts. */
export async function attempt(
  record: JobRecord,
  signal: AbortSignal,
  { transcribe, audio }: Pick<JobContext, 'transcribe' | 'audio'>,
): Promise<AttemptEnd> {
  try {
    const source = await raceAbort(audio.sourceOf(record), signal);
    throwIfAborted(signal);
    const context = { jobId: record.id, attempt: record.data.attempts, signal };
    const transcript = await raceAbort(transcribe(source, attemptOptions(record), context), signal);
    throwIfAborted(signal);
    return { type: 'transcript', transcript };
  } catch (error) {
    if (!signal.aborted) return { type: 'error', error: toTranscriptionError(error) };
    return { type: endAfterAbort(signal.reason) };
  }
}

function endAfterAbort(reason: unknown): 'closed' | 'cancelled' | 'withdrawn' {
  if (!(reason instanceof AbortedError)) return 'withdrawn';
  if (reason.code === 'client_closed') return 'closed';
  return reason.code === 'job_cancelled' ? 'cancelled' : 'withdrawn';
}

function attemptOptions({ userId, data }: JobRecord): AttemptOptions {
  const { options, metadata, region, timeoutMs, durationSeconds, priority } = data;
  const ours = defined({ userId, metadata, region, timeoutMs, durationSeconds });
  return { ...options, ...ours, priority };
}
