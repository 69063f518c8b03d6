import { createHash } from 'node:crypto';
import type { QueueEntry } from '../../contracts/queue.js';

/** What a job of BullMQ holds. */
export interface JobData extends Omit<QueueEntry, 'delayMs'> {
  /** Set where it was cancelled while it ran, for a worker that missed the message. */
  readonly cancelled?: true;
}

export interface NewJob {
  readonly id: string;
  readonly data: JobData;
  readonly delayMs: number;
  /** That of BullMQ: 0 is the plain row. */
  readonly priority: number;
}

/** BullMQ takes priorities up to 2^21 - 1, and each of ours has two. */
const MAX_PRIORITY = 2 ** 20 - 1;

/**
 * Ids of BullMQ take no colon and no plain number, and are part of keys. The two prefixes keep ids that were hashed
 * apart from those that were not.
 */
export function toJobId(id: string): string {
  if (/^[A-Za-z0-9_-]{1,126}$/.test(id)) return `e_${id}`;
  return `h_${createHash('sha256').update(id).digest('base64url')}`;
}

/** The priority of a job. Entries of a group come after those without one, of the same priority. */
export function rankOf({ priority, group }: Pick<QueueEntry, 'priority' | 'group'>): number {
  return 2 * Math.min(Math.max(0, Math.trunc(priority)), MAX_PRIORITY) + (group === undefined ? 0 : 1);
}

export function toJob({ id, priority, delayMs, group }: QueueEntry): NewJob {
  return {
    id: toJobId(id),
    data: { id, priority, ...(group === undefined ? {} : { group }) },
    delayMs: Math.max(0, Math.ceil(delayMs)),
    priority: rankOf({ priority, ...(group === undefined ? {} : { group }) }),
  };
}

export function toEntry({ id, priority, group }: JobData): QueueEntry {
  return { id, priority, delayMs: 0, ...(group === undefined ? {} : { group }) };
}
