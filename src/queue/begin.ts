import type { Clock } from '../contracts/clock.js';
import type { ErrorData } from '../contracts/error-data.js';
import type { EntryOutcome } from '../contracts/queue.js';
import { QueueError, TimeoutError } from '../errors/index.js';
import { announce, isoTime, type JobContext } from './context.js';
import { DONE, failJob, writeWithRetries } from './finish.js';
import { hasEnded, type JobData, type JobRecord } from './record.js';
import { toActive, toQueuedAgain } from './transitions.js';

/** An attempt to make, or what becomes of the entry where there is none. */
export type Begun = { readonly type: 'run'; readonly record: JobRecord } | EntryOutcome;

/**
 * Makes the job active.
 *
 * A record that is active already belongs to a run that died, or lost its lease: the queue gives an entry to one worker
 * at a time. That run was an attempt, as far as anybody can know. One that waits for its callback is left alone until
 * the time for that is over.
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
    const waitMs = callbackWaitMs(record.data, context.clock);
    if (waitMs > 0) return { type: 'again', delayMs: waitMs };
    const now = isoTime(context.clock);
    const refusal = refusalOf(record.data, now);
    if (refusal !== undefined) {
      return failJob(record, { ...refusal, attempt: record.data.attempts }, signal, context);
    }
    const pauseMs = await context.userPlaces.pauseFor(record);
    if (pauseMs !== undefined) return { type: 'again', delayMs: pauseMs };
    const active = await context.store.replace(record, toActive(record.data, now));
    if (active === undefined) continue;
    if (record.data.state === 'active') warnOfSecondRun(record, context);
    announce(context, active);
    return unlessCrowded(active, context);
  }
}

/** Other jobs of the user may have become active in the same moment. */
async function unlessCrowded(record: JobRecord, context: JobContext): Promise<Begun> {
  const pauseMs = await context.userPlaces.pauseFor(record);
  if (pauseMs === undefined) return { type: 'run', record };
  const runAt = isoTime(context.clock, pauseMs);
  const data = toQueuedAgain(record.data, { runAt, attemptCounts: false });
  const queued = await writeWithRetries(record, data, context);
  if (queued === undefined) return DONE;
  announce(context, queued);
  return { type: 'again', delayMs: pauseMs };
}

/** How long the job has yet to wait for its callback. An entry comes early where the queue lost it and got it again. */
function callbackWaitMs({ state, submittedAt, runAt }: JobData, clock: Clock): number {
  return state === 'active' && submittedAt !== undefined ? Date.parse(runAt) - clock.wallMs() : 0;
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
