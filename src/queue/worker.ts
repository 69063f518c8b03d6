import type { EntryOutcome, QueueEntry } from '../contracts/queue.js';
import { StorageError, type TranscriptionError } from '../errors/index.js';
import { decideAfterError } from './after-error.js';
import { type AttemptEnd, attempt } from './attempt.js';
import { begin, putBack, timeIsUp } from './begin.js';
import { awaitCallback } from './callback-submission.js';
import { announce, isoTime, type JobContext } from './context.js';
import { fromEntryId } from './entry.js';
import { completeJob, DONE, endCancelled, failJob, storeHeldEnd, writeWithRetries } from './finish.js';
import { AttemptProgress } from './progress.js';
import type { JobData, JobRecord } from './record.js';
import { due, toQueuedAgain } from './transitions.js';

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
  const leave = context.userPlaces.enter(entry.id);
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
  } finally {
    leave();
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
  const beganMs = context.clock.monotonicMs();
  const progress = new AttemptProgress(context.clock, (state) => context.feed.publishProgress(record, state));
  try {
    const end = await attempt(record, signal, progress, context);
    if (end.type === 'transcript') progress.storing();
    return await afterAttempt(end, record, beganMs, signal, context);
  } finally {
    progress.end();
  }
}

async function afterAttempt(
  end: AttemptEnd,
  record: JobRecord,
  beganMs: number,
  signal: AbortSignal,
  context: JobContext,
): Promise<EntryOutcome> {
  switch (end.type) {
    case 'transcript':
      return completeJob(record, end.transcript, signal, context);
    case 'submitted':
      return awaitCallback(record, end.submission, context);
    case 'error':
      return afterError(record, end.error, context.clock.monotonicMs() - beganMs, signal, context);
    case 'closed':
      return afterClose(record, context);
    case 'cancelled':
      return endCancelled(record, context);
    case 'withdrawn':
      return DONE;
  }
}

async function afterError(
  record: JobRecord,
  error: TranscriptionError,
  tookMs: number,
  signal: AbortSignal,
  context: JobContext,
): Promise<EntryOutcome> {
  const { data } = record;
  const leftMs = leftAfterAttempt(data, tookMs);
  const next = decideAfterError(error, data, context.settings, context.random);
  const lastError = { ...error.toJSON(), attempt: data.attempts };
  if (next.type === 'fail') return failJob(record, lastError, signal, context);
  if (leftMs !== undefined && leftMs <= next.delayMs) {
    return failJob(record, { ...timeIsUp(), attempt: data.attempts }, signal, context);
  }
  const queued = await writeState(record, context, {
    ...due(context.clock, next.delayMs),
    endsBy: leftMs === undefined ? undefined : isoTime(context.clock, leftMs),
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

/**
 * What is left of the time of the whole job, in milliseconds. Timed on our own clock: a wall clock that jumped in the
 * attempt changes nothing.
 */
function leftAfterAttempt({ endsBy, startedAt }: JobData, tookMs: number): number | undefined {
  if (endsBy === undefined || startedAt === undefined) return undefined;
  return Date.parse(endsBy) - Date.parse(startedAt) - tookMs;
}

/** The close of a worker is no failure of the job. */
async function afterClose(record: JobRecord, context: JobContext): Promise<EntryOutcome> {
  const queued = await putBack(record, 0, context).catch(() => record);
  if (queued === undefined) return DONE;
  context.emit({
    type: 'warning',
    code: 'possible-double-billing',
    message: 'The worker was closed in an attempt of the job, which is made again and may be billed twice.',
    jobId: record.id,
  });
  return { type: 'again', delayMs: 0 };
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
