import type { ErrorData } from '../contracts/error-data.js';
import type { EntryOutcome } from '../contracts/queue.js';
import { QueueError, TimeoutError } from '../errors/index.js';
import { sleep } from '../internal/sleep.js';
import { announce, isoTime, type JobContext } from './context.js';
import { earlyMs, leftMs } from './entry.js';
import { DONE, endCancelled, failJob, isRefusal, writeWithRetries } from './finish.js';
import { hasEnded, type JobData, type JobRecord } from './record.js';
import { stopReasonOf } from './stop-reason.js';
import { due, toActive, toQueuedAgain } from './transitions.js';

/** An attempt to make, or what becomes of the entry where there is none. */
export type Begun = { readonly type: 'run'; readonly record: JobRecord } | EntryOutcome;

/** Timers of queues are not exact. */
const EARLY_ENOUGH_MS = 50;

/**
 * Makes the job active.
 *
 * A record that is active already belongs to a run that died, or lost its lease: the queue gives an entry to one worker
 * at a time. That run was an attempt, as far as anybody can know. One that waits for its callback is left alone until
 * the time for that is over.
 *
 * A run that has lost its own lease writes nothing: the signal is looked at after each wait. What is left is a lease
 * that is lost, unnoticed, until the record is written. Such a run can take the job from the one that has the lease. It
 * ends well all the same: its signal aborts it before its end is stored, the other one stores its result over it (see
 * finish.ts), and where neither has one, the queue lacks the entry and gets it again.
 */
export async function begin(
  jobId: string,
  round: number,
  signal: AbortSignal,
  context: JobContext,
): Promise<Begun> {
  for (;;) {
    const record = await context.store.get(jobId);
    if (record === undefined || record.data.round !== round || hasEnded(record.data.state)) return DONE;
    const begun = await beginWith(withOwnTime(record, context), signal, context);
    if (begun !== undefined) return begun;
  }
}

/** Where this process knows the age of a job, a wall clock that jumped changes nothing of its total time. */
function withOwnTime(record: JobRecord, { clock, feed }: JobContext): JobRecord {
  const { totalTimeoutMs, endsBy } = record.data;
  const ageMs = feed.ageMs(record.id);
  if (totalTimeoutMs === undefined || endsBy === undefined || ageMs === undefined) return record;
  return { ...record, data: { ...record.data, endsBy: isoTime(clock, totalTimeoutMs - ageMs) } };
}

/** Undefined where somebody else wrote the record in between. */
async function beginWith(
  record: JobRecord,
  signal: AbortSignal,
  context: JobContext,
): Promise<Begun | undefined> {
  const { clock, userPlaces } = context;
  if (signal.aborted) return stopped(record, signal, context);
  if (record.data.submittedAt !== undefined) {
    const waitMs = earlyMs(record.data, clock.wallMs());
    if (waitMs > 0) return { type: 'again', delayMs: waitMs };
  }
  const refusal = refusalOf(record.data, isoTime(clock));
  if (refusal !== undefined) return fail(record, refusal, signal, context);
  if (record.data.state === 'queued') {
    const waitMs = earlyMs(record.data, clock.wallMs());
    if (waitMs > EARLY_ENOUGH_MS) return again(record, waitMs, context);
  }
  const pauseMs = await userPlaces.pauseFor(record, context);
  if (signal.aborted) return stopped(record, signal, context);
  if (pauseMs !== undefined) return again(record, pauseMs, context);
  let active: JobRecord | undefined;
  try {
    active = await becomeActive(record, signal, context);
  } catch (error) {
    if (isRefusal(error)) return fail(record, error.toJSON(), signal, context);
    throw error;
  }
  if (active === undefined) return undefined;
  if (record.data.state === 'active') warnOfSecondRun(record, context);
  announce(context, active);
  return unlessCrowded(active, signal, context);
}

/**
 * Stays until it is known whether the record was written: a run that came later would take it for an attempt that was
 * made.
 */
async function becomeActive(
  record: JobRecord,
  signal: AbortSignal,
  context: JobContext,
): Promise<JobRecord | undefined> {
  const { clock, settings } = context;
  const data = toActive(record.data, isoTime(clock));
  for (;;) {
    try {
      return await writeWithRetries(record, data, context);
    } catch (error) {
      if (isRefusal(error) || signal.aborted) throw error;
      await sleep(clock, settings.backoffMs, signal).catch(() => {
        throw error;
      });
    }
  }
}

/** Other jobs of the user may have become active in the same moment, or the run may have to stop: nothing was sent. */
async function unlessCrowded(record: JobRecord, signal: AbortSignal, context: JobContext): Promise<Begun> {
  let pauseMs: number | undefined;
  try {
    pauseMs = await context.userPlaces.pauseFor(record, context);
  } catch (error) {
    await putBack(record, context.settings.backoffMs, context);
    throw error;
  }
  if (signal.aborted) {
    // Under a lost lease too: it holds only where nobody has taken the job over.
    const queued = await putBack(record, 0, context);
    return queued === undefined ? DONE : stopped(queued, signal, context);
  }
  if (pauseMs === undefined) return { type: 'run', record };
  const queued = await putBack(record, pauseMs, context);
  return queued === undefined ? DONE : again(queued, pauseMs, context);
}

/** Without using up an attempt. Undefined where somebody else wrote the record in between. */
export async function putBack(
  record: JobRecord,
  delayMs: number,
  context: JobContext,
): Promise<JobRecord | undefined> {
  const data = toQueuedAgain(record.data, { ...due(context.clock, delayMs), attemptCounts: false });
  const queued = await writeWithRetries(record, data, context);
  if (queued !== undefined) announce(context, queued);
  return queued;
}

/** A run that has to stop before it has begun. */
async function stopped(record: JobRecord, signal: AbortSignal, context: JobContext): Promise<EntryOutcome> {
  switch (stopReasonOf(signal)) {
    case 'closed':
      return { type: 'again', delayMs: 0 };
    case 'cancelled':
      return endCancelled(record, context);
    case 'withdrawn':
      return DONE;
  }
}

/** Not later than the end of the job's time, so that it fails then. */
function again({ data }: JobRecord, delayMs: number, { clock }: JobContext): EntryOutcome {
  return { type: 'again', delayMs: Math.max(0, Math.min(delayMs, leftMs(data, clock.wallMs()))) };
}

function fail(
  record: JobRecord,
  error: ErrorData,
  signal: AbortSignal,
  context: JobContext,
): Promise<EntryOutcome> {
  return failJob(record, { ...error, attempt: record.data.attempts }, signal, context);
}

function refusalOf(data: JobData, now: string): ErrorData | undefined {
  if (data.endsBy !== undefined && data.endsBy <= now) return timeIsUp();
  if (data.state !== 'active' || data.attempts < data.maxAttempts) return undefined;
  return data.submittedAt === undefined ? stalled() : callbackMissing();
}

export function timeIsUp(): ErrorData {
  return new TimeoutError(
    'The job had not ended when its time was up. Raise totalTimeoutMs, or retry() it.',
    {
      code: 'timeout',
    },
  ).toJSON();
}

function callbackMissing(): ErrorData {
  return new TimeoutError(
    'The callback of the last attempt did not come in time. Check that Deepgram reaches callback.url and what the route ' +
      'answers, or raise callback.timeoutMs; then retry() the job.',
    { code: 'timeout', ambiguous: true },
  ).toJSON();
}

function stalled(): ErrorData {
  return new QueueError(
    'The worker died, or lost its lease, in the last attempt of this job. Look into the logs of the workers, then retry() it.',
    { code: 'job_stalled', ambiguous: true },
  ).toJSON();
}

/** The attempt before may have reached Deepgram. */
function warnOfSecondRun({ id, data }: JobRecord, { emit }: JobContext): void {
  const before =
    data.submittedAt === undefined
      ? 'The worker of the job died in an attempt.'
      : 'The callback of an attempt did not come in time.';
  emit({
    type: 'warning',
    code: 'possible-double-billing',
    message: `${before} The job is tried again and may be billed twice.`,
    jobId: id,
  });
}
