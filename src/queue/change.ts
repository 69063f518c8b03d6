import type { JobListQuery } from '../contracts/job.js';
import { QueueError, UnsupportedSourceError } from '../errors/index.js';
import { throwIfAborted } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import { announce, isoTime, type JobContext } from './context.js';
import { toEntryId } from './entry.js';
import { writeEnd, writeWithRetries } from './finish.js';
import { addJobs } from './hand-over.js';
import { jobNotFound } from './not-found.js';
import { hasEnded, type JobRecord } from './record.js';
import { toCancelled, toNextRound } from './transitions.js';

/** Ends the record first, so that no worker can complete it, and then the entry, down to its request. */
export async function cancelJob(id: string, context: JobContext): Promise<boolean> {
  // It has ended already; only the storage does not know.
  if (context.held.has(id)) return false;
  for (;;) {
    const record = await context.store.get(id);
    if (record === undefined || hasEnded(record.data.state)) return false;
    const data = toCancelled(record.data, isoTime(context.clock));
    const cancelled = await writeEnd(record, data, context);
    if (cancelled === undefined) continue;
    await takeOut(cancelled, context);
    announce(context, cancelled);
    return true;
  }
}

export async function retryJob(id: string, context: JobContext): Promise<void> {
  for (;;) {
    const record = await context.store.get(id);
    if (record === undefined) throw jobNotFound(id);
    const { state } = record.data;
    if (state !== 'failed' && state !== 'cancelled') {
      throw jobState(id, state, 'Only a failed or cancelled job can be retried.');
    }
    if (record.data.source.kind === 'local') await context.audio.sourceOf(record);
    const now = isoTime(context.clock);
    const next = toNextRound(record.data, now);
    const queued = await writeWithRetries(record, next, context, () =>
      context.store.requeue(record, next, now),
    );
    if (queued === undefined) continue;
    context.audio.jobRetried(id);
    if (!context.queue.capabilities.distributed) context.feed.startTimer(id);
    announce(context, queued);
    await addAgain(queued, record, context);
    return;
  }
}

export type FailedQuery = Pick<JobListQuery, 'userId' | 'createdFrom' | 'createdBefore'>;

/** One that has been begun anew, or removed, meanwhile does not count. `ending` stops between two. */
export async function retryFailedJobs(
  query: FailedQuery,
  context: JobContext,
  ending: AbortSignal,
): Promise<number> {
  let count = 0;
  for (let cursor: string | undefined; ; ) {
    const page = await context.store.list({ ...query, state: 'failed', ...defined({ cursor }) });
    for (const { id } of page.items) {
      throwIfAborted(ending);
      if (await isRetried(id, context)) count += 1;
    }
    if (page.nextCursor === undefined) return count;
    cursor = page.nextCursor;
  }
}

async function isRetried(id: string, context: JobContext): Promise<boolean> {
  try {
    await retryJob(id, context);
    return true;
  } catch (error) {
    // Its audio is gone, or its state is another one by now: the others can be begun all the same.
    const isItsOwn =
      error instanceof UnsupportedSourceError ||
      (error instanceof QueueError && ['job_state', 'job_not_found'].includes(error.code));
    if (isItsOwn) return false;
    throw error;
  }
}

export async function removeJob(id: string, context: JobContext): Promise<boolean> {
  for (;;) {
    const record = await context.store.get(id);
    if (record === undefined) return false;
    if (!hasEnded(record.data.state)) {
      throw jobState(id, record.data.state, 'Cancel it first, or wait for its end.');
    }
    if (!(await context.store.remove(record))) continue;
    context.audio.forget(record);
    return true;
  }
}

/** The worker looks at the record before it runs an entry: an entry that stays in the queue does no harm. */
async function takeOut(record: JobRecord, { queue, emit }: JobContext): Promise<void> {
  try {
    await queue.cancel(toEntryId(record));
  } catch {
    emit({
      type: 'warning',
      code: 'queue-cancel-failed',
      message: 'The job is cancelled, but the queue could not be told. An attempt that is running may go on.',
      jobId: record.id,
    });
  }
}

async function addAgain(queued: JobRecord, before: JobRecord, context: JobContext): Promise<void> {
  try {
    await addJobs([queued], context);
    context.outbox.settle([queued.id]);
  } catch (error) {
    // Back to what it was, but with the new round, which the queue may have seen.
    const data = { ...before.data, round: queued.data.round };
    const restored = await context.store.replace(queued, data).catch(() => undefined);
    if (restored !== undefined) announce(context, restored);
    throw error;
  }
}

function jobState(id: string, state: string, advice: string): QueueError {
  return new QueueError(`The job ${id} is ${state}. ${advice}`, { code: 'job_state' });
}
