import type { QueueEntry } from '../contracts/queue.js';
import { QueueError } from '../errors/index.js';
import { sleep } from '../internal/sleep.js';
import { announce, isoTime, type JobContext } from './context.js';
import type { NewRecord } from './draft.js';
import { toEntry } from './entry.js';
import { JOBS_OF_ITEM, outboxIdsOf } from './job-store.js';
import type { JobRecord } from './record.js';
import { toFailed } from './transitions.js';

/** Records that one transaction takes away: many small ones hold up nobody. */
const REMOVED_AT_ONCE = JOBS_OF_ITEM;
/** Between the tries of one. */
const PAUSES_MS = [100, 500, 2000];

/** Gives entries to the queue. What it throws leaves as a QueueError. */
async function addToQueue(
  entries: readonly QueueEntry[],
  { queue }: Pick<JobContext, 'queue'>,
): Promise<void> {
  try {
    await queue.add(entries);
  } catch (cause) {
    if (cause instanceof QueueError) throw cause;
    throw new QueueError('The queue did not take the job. The cause says why; try again.', {
      code: 'queue_failed',
      retryable: true,
      cause,
    });
  }
}

/** Gives the entries of jobs to the queue. */
export function addJobs(
  records: readonly JobRecord[],
  context: Pick<JobContext, 'queue' | 'clock'>,
): Promise<void> {
  const nowMs = context.clock.wallMs();
  return addToQueue(
    records.map((record) => toEntry(record, nowMs)),
    context,
  );
}

/** Rejects, with the jobs gone, where the queue does not take them and the settings say so. */
export async function handOver(records: readonly JobRecord[], context: JobContext): Promise<void> {
  if (records.length === 0) return;
  try {
    await addJobs(records, context);
    context.outbox.settle(outboxIdsOf(records));
  } catch (error) {
    if (context.settings.whenDown === 'keep' && context.store.hasOutbox) {
      context.outbox.handOverLater(records);
      return;
    }
    const removed = await removeRefused(records, context);
    // They are acknowledged: some have begun, or the outbox still has them for a relay.
    if (removed.length === 0) return;
    const data = new QueueError('The queue did not take the job.', { code: 'queue_failed' }).toJSON();
    for (const record of removed) {
      const failed = toFailed(record.data, data, isoTime(context.clock));
      announce(context, { ...record, version: record.version + 1, data: failed });
      context.audio.forget(record);
    }
    throw error;
  }
}

/** Removes records that the queue refused and nobody has changed. Returns those that are gone for good. */
async function removeRefused(
  records: readonly JobRecord[],
  { store }: JobContext,
): Promise<readonly JobRecord[]> {
  if (store.hasOutbox) return (await store.removeAll(records).catch(() => false)) ? records : [];
  const removed = await Promise.all(
    // What such a storage refuses to remove is in no queue, and no relay looks for it.
    records.map(async (record) => ((await store.remove(record).catch(() => true)) ? [record] : [])),
  );
  return removed.flat();
}

/**
 * Takes back records of which nobody knows whether they were written. Those that somebody has changed since stay: they
 * are acknowledged to another call, or have begun. Never rejects.
 */
export async function takeBack(fresh: readonly NewRecord[], context: JobContext): Promise<void> {
  const written = fresh.map((record) => ({ ...record, version: 1 }));
  for (let start = 0; start < written.length; start += REMOVED_AT_ONCE) {
    const part = written.slice(start, start + REMOVED_AT_ONCE);
    const areGone =
      context.store.hasTransactions &&
      (await withPauses(() => context.store.removeAll(part), context).catch(() => false));
    for (const record of part) {
      // Audio is let go of only where it is sure that no record is there which needs it.
      if (areGone || (await isGone(record, context))) context.audio.drop(record.data.source);
    }
  }
}

async function isGone(record: JobRecord, context: JobContext): Promise<boolean> {
  const { store } = context;
  const remove = async (): Promise<boolean> =>
    (await store.remove(record)) || (await store.get(record.id)) === undefined;
  return withPauses(remove, context).catch(() => false);
}

async function withPauses<Value>(work: () => Promise<Value>, { clock }: JobContext): Promise<Value> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await work();
    } catch {
      await sleep(clock, pauseMs);
    }
  }
  return work();
}
