import type { Clock } from '../contracts/clock.js';
import type { Transcript } from '../contracts/transcript.js';
import { type TranscriptionError, toTranscriptionError } from '../errors/index.js';
import { raceAbort, throwIfAborted } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import { submitAttempt } from './callback-submission.js';
import type { AttemptOptions, JobContext } from './context.js';
import { leftMs } from './entry.js';
import type { AttemptProgress } from './progress.js';
import type { JobData, JobRecord, Submission } from './record.js';
import { type StopReason, stopReasonOf } from './stop-reason.js';

export type AttemptEnd =
  | { readonly type: 'transcript'; readonly transcript: Transcript }
  /** Deepgram took the audio, and brings the result to the callback. */
  | { readonly type: 'submitted'; readonly submission: Submission }
  | { readonly type: 'error'; readonly error: TranscriptionError }
  | { readonly type: StopReason };

/** One attempt of an active job. Never rejects, and ends as soon as the signal aborts. */
export async function attempt(
  record: JobRecord,
  signal: AbortSignal,
  progress: AttemptProgress,
  { transcribe, callbacks, audio, clock }: Pick<JobContext, 'transcribe' | 'callbacks' | 'audio' | 'clock'>,
): Promise<AttemptEnd> {
  try {
    const source = progress.watch(await raceAbort(audio.sourceOf(record), signal));
    throwIfAborted(signal);
    const context = { jobId: record.id, attempt: record.data.attempts, signal };
    const options = attemptOptions(record, clock);
    if (record.data.delivery === 'callback') {
      const submitting = submitAttempt(source, options, context, record.version, callbacks);
      return { type: 'submitted', submission: await raceAbort(submitting, signal) };
    }
    const transcript = await raceAbort(transcribe(source, options, context), signal);
    // It is paid for: whether it is still wanted, the record of the job says when it is stored.
    return { type: 'transcript', transcript };
  } catch (error) {
    if (!signal.aborted) return { type: 'error', error: toTranscriptionError(error) };
    return { type: stopReasonOf(signal) };
  }
}

function attemptOptions({ userId, data }: JobRecord, clock: Clock): AttemptOptions {
  const { options, metadata, region, durationSeconds, priority } = data;
  const timeoutMs = timeoutOf(data, clock);
  const ours = defined({ userId, metadata, region, timeoutMs, durationSeconds });
  return { ...options, ...ours, priority };
}

/** What is left of the time of the whole job, where that is less. */
function timeoutOf(data: JobData, clock: Clock): number | undefined {
  if (data.endsBy === undefined) return data.timeoutMs;
  const left = Math.max(1, leftMs(data, clock.wallMs()));
  return data.timeoutMs === undefined ? left : Math.min(data.timeoutMs, left);
}
