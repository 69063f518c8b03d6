import type { QueueEntry } from '../contracts/queue.js';
import type { JobRecord } from './record.js';

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
  const { priority, runAt } = job.data;
  return {
    id: toEntryId(job),
    priority,
    delayMs: Math.max(0, Date.parse(runAt) - nowMs),
    group: job.userId ?? NOBODY,
  };
}
