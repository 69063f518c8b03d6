import type { EntryOutcome, QueueEntry } from '../contracts/queue.js';
import { StorageError, type TranscriptionError } from '../errors/index.js';
import { decideAfterError } from './after-error.js';
import { type AttemptEnd, attempt } from './attempt.js';
import { begin, timeIsUp } from './begin.js';
import { awaitCallback } from './callback-submission.js';
import { announce, isoTime, type JobContext } from './context.js';
import { fromEntryId } from './entry.js';
import { completeJob, DONE, failJob, messageOf, storeHeldEnd, writeWithRetries } from './finish.js';
import { AttemptProgress } from './progress.js';
import type { JobRecord } from './record.js';
import { toCancelled, toQueuedAgain } from './transitions.js';

/**
 * Runs one entry of the queue: at most one attempt of its job. Never rejects.
 *
 * Every write depends on the version that this run has read, so that a job that was cancelled, removed or
 * taken over in between is left alone.
 */
export async function runEntry(
  entry: QueueEntry,
  signal: AbortSignal,
  context: JobContext,
): Promise<EntryOutcome> {
  try {
    const { jobId, round } = fromEntryId(entry.id);
    const held = context.held.get(jobId);
    if (held !== undefined) return await storeHeldEnd(held, context);
    const begun = await begin(jobId, round, signal, context);
    return begun.type === 'run' ? await runAttempt(begun.record, signal, context) : begun;
  } catch (error) {
    // The storage cannot say what the job is: it stays in the queue until it can.
    reportWorkerError(error, context);
    return { type: 'again', delayMs: context.settings.backoffMs };
  }
}

export function reportWorkerError(error: unknown, { emit }: Pick<JobContext, 'emit'>): void {
  // The store reports its own failures.
  if (error instanceof StorageError) return;
  emit({
    type: 'warning',
    code: 'worker-error',
    message: 'A queue worker met an error that is none of the job. The entry is tried again.',
  });
}

async function runAttempt(
  record: JobRecord,
  signal: AbortSignal,
  context: JobContext,
): Promise<EntryOutcome> {
  const progress = new AttemptProgress(context.clock, (state) => context.feed.publishProgress(record, state));
  try {
    const end = await attempt(record, signal, progress, context);
    if (end.type === 'transcript') progress.storing();
    return await afterAttempt(end, record, signal, context);
  } finally {
    progress.end();
  }
}

async function afterAttempt(
  end: AttemptEnd,
  record: JobRecord,
  signal: AbortSignal,
  context: JobContext,
): Promise<EntryOutcome> {
  switch (end.type) {
    case 'transcript':
      return completeJob(record, end.transcript, signal, context);
    case 'submitted':
      return awaitCallback(record, end.submission, context);
    case 'error':
      return afterError(record, end.error, signal, context);
    case 'closed':
      return putBack(record, context);
    case 'cancelled':
      return endCancelled(record, context);
    case 'withdrawn':
      return DONE;
  }
}

async function afterError(
  record: JobRecord,
  error: TranscriptionError,
  signal: AbortSignal,
  context: JobContext,
): Promise<EntryOutcome> {
  const { data } = record;
  const next = decideAfterError(error, data, context.settings, context.random);
  const lastError = { ...error.toJSON(), attempt: data.attempts };
  if (next.type === 'fail') return failJob(record, lastError, signal, context);
  if (data.endsBy !== undefined && data.endsBy <= isoTime(context.clock, next.delayMs)) {
    return failJob(record, { ...timeIsUp(), attempt: data.attempts }, signal, context);
  }
  const queued = await writeState(record, context, {
    runAt: isoTime(context.clock, next.delayMs),
    attemptCounts: next.attemptCounts,
    rateLimited: !next.attemptCounts,
    lastError,
  });
  if (queued === 'superseded') return DONE;
  if (error.ambiguous) {
    context.emit({
      type: 'warning',
      code: 'possible-double-billing',
      message:
        'Deepgram may have processed the attempt that failed. The job is tried again and may be billed twice.',
      jobId: record.id,
    });
  }
  return { type: 'again', delayMs: next.delayMs };
}

/** Whoever cancels writes the record first, as a rule; an entry cancelled in the queue alone ends here. */
async function endCancelled(record: JobRecord, context: JobContext): Promise<EntryOutcome> {
  const data = toCancelled(record.data, isoTime(context.clock));
  const cancelled = await context.store.end(record, data, messageOf(record, data, context));
  if (cancelled !== undefined) announce(context, cancelled);
  return DONE;
}

/** The close of a worker is no failure of the job. */
async function putBack(record: JobRecord, context: JobContext): Promise<EntryOutcome> {
  const queued = await writeState(record, context, { runAt: isoTime(context.clock), attemptCounts: false });
  return queued === 'superseded' ? DONE : { type: 'again', delayMs: 0 };
}

/** Where the storage refuses, the record stays active: the next run of the entry takes it over. */
async function writeState(
  record: JobRecord,
  context: JobContext,
  change: Parameters<typeof toQueuedAgain>[1],
): Promise<'written' | 'refused' | 'superseded'> {
  try {
    const queued = await writeWithRetries(record, toQueuedAgain(record.data, change), context);
    if (queued === undefined) return 'superseded';
    announce(context, queued);
    return 'written';
  } catch {
    return 'refused';
  }
}
