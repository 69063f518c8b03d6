import type { QueueEntry } from '../contracts/queue.js';
import type { JobData, JobRecord } from './record.js';

/** Jobs without a user are a group of their own, which takes its turn like any other. */
const NOBODY = '-';

/**
 * What the queue carries for a job. Its id is that of the job, and the round where it is not the first.
 *
 * A new round has an id of its own, so that a queue that still knows the old entry does not drop the new one,
 * and an old entry that comes late is told from the new one.
 */
export function toEntryId({
  id,
  data,
}: {
  readonly id: string;
  readonly data: { readonly round: number };
}): string {
  return data.round === 0 ? id : `${id}-${data.round}`;
}

export function fromEntryId(entryId: string): { readonly jobId: string; readonly round: number } {
  const match = /^(.+)-(\d+)$/.exec(entryId);
  if (match === null) return { jobId: entryId, round: 0 };
  return { jobId: match[1] ?? entryId, round: Number(match[2]) };
}

export function toEntry(job: Pick<JobRecord, 'id' | 'data' | 'userId'>, nowMs: number): QueueEntry {
  const { priority, runAt, delayMs = Number.POSITIVE_INFINITY } = job.data;
  // Where the clock was set back, the wait is that which was asked for.
  const waitMs = Math.min(Date.parse(runAt) - nowMs, delayMs, leftMs(job.data, nowMs));
  return {
    id: toEntryId(job),
    priority,
    delayMs: Math.max(0, waitMs),
    group: job.userId ?? NOBODY,
  };
}

/**
 * By how much an entry comes too early.
 *
 * None, where more is left than the whole wait: the clock was set back, or is that of another machine, and the queue is
 * right. So a clock that jumps stretches no wait to more than twice its length.
 */
export function earlyMs(
  { runAt, delayMs = Number.POSITIVE_INFINITY }: Pick<JobData, 'runAt' | 'delayMs'>,
  nowMs: number,
): number {
  const restMs = Date.parse(runAt) - nowMs;
  return restMs > delayMs ? 0 : Math.max(0, restMs);
}

/** What is left of the time of the whole job, in milliseconds: nothing waits for longer. */
export function leftMs({ endsBy }: Pick<JobData, 'endsBy'>, nowMs: number): number {
  return endsBy === undefined ? Number.POSITIVE_INFINITY : Date.parse(endsBy) - nowMs;
}
