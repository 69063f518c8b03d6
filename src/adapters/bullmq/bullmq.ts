import type { IQueueBackend, JobJson } from 'bullmq';
import { QueueError } from '../../errors/index.js';
import type { Fetched, FetchedJob } from './engine.js';
import { type JobData, type NewJob, rankOf } from './entry.js';
import type { QueueTimes } from './options.js';

export type Bullmq = typeof import('bullmq');

export async function loadBullmq(): Promise<Bullmq> {
  try {
    return await import('bullmq');
  } catch (cause) {
    throw new QueueError('The package bullmq is not installed. Run npm install bullmq.', {
      code: 'queue_failed',
      cause,
    });
  }
}

/** A job that has ended is gone, so that its id can be added again. BullMQ itself never tries one again. */
const JOB_OPTIONS = { removeOnComplete: true, removeOnFail: true, attempts: 1 } as const;
const JOB_NAME = 'entry';

/** PostgreSQL takes no larger number there. */
const NEVER = 2 ** 31 - 1;

/**
 * What the backend of a worker is told. A job whose fetches were lost, or whose workers died, has had no chance: it is
 * never failed for that.
 */
export function workerOptions({ lockDurationMs, stalledIntervalMs }: QueueTimes) {
  return {
    lockDuration: lockDurationMs,
    stalledInterval: stalledIntervalMs,
    maxStalledCount: NEVER,
  };
}

/** A job in the form in which backends of BullMQ take it. */
export function toJobJson({ id, data, delayMs, priority }: NewJob): JobJson {
  const json = {
    id,
    name: JOB_NAME,
    data: JSON.stringify(data),
    timestamp: Date.now(),
    opts: {
      ...JOB_OPTIONS,
      ...(delayMs > 0 ? { delay: delayMs } : {}),
      ...(priority > 0 ? { priority } : {}),
    },
  };
  return json as JobJson;
}

/** Undefined where it is none of ours, or damaged. */
function parseData(text: string): JobData | undefined {
  try {
    const data = JSON.parse(text) as Partial<JobData> | null;
    return typeof data?.id === 'string' && typeof data.priority === 'number' ? (data as JobData) : undefined;
  } catch {
    return undefined;
  }
}

/** What moveToActive() and moveToCompleted() of a backend tell: the next job, or when one is due. */
function toFetched(next: unknown): Fetched {
  const [json, id, , nextAtMs] = (Array.isArray(next) ? next : []) as [JobJson?, string?, number?, number?];
  if (json && id) return { job: { id, data: parseData(json.data) } };
  return nextAtMs ? { nextAtMs } : {};
}

/** The row that BullMQ itself put it back into, after a delay or a retry, where that is one of groups. */
function rowOfReturn(next: unknown, { job }: Fetched): number | undefined {
  const [json] = (Array.isArray(next) ? next : []) as [JobJson?];
  if (json === undefined || job?.data?.group === undefined) return undefined;
  return json.attemptsStarted > 1 || (json.opts.delay ?? 0) > 0 ? rankOf(job.data) : undefined;
}

/** The part of a consumer that is the same for every backend. */
export abstract class BackendConsumer {
  readonly backend: IQueueBackend;
  readonly #lockDurationMs: number;

  constructor(backend: IQueueBackend, lockDurationMs: number) {
    this.backend = backend;
    this.#lockDurationMs = lockDurationMs;
  }

  async fetch(token: string): Promise<Fetched> {
    return this.#received(await this.backend.moveToActive(token));
  }

  async complete({ id }: FetchedJob, token: string, fetchNext: boolean): Promise<Fetched> {
    const job = { id, opts: JOB_OPTIONS } as unknown as Parameters<IQueueBackend['moveToCompleted']>[0];
    // What the handler came to is no concern of BullMQ: it would keep it in its stream of events.
    return this.#received((await this.backend.moveToCompleted(job, null, true, token, fetchNext)).result);
  }

  async delay({ id }: FetchedJob, token: string, delayMs: number): Promise<void> {
    await this.backend.moveToDelayed(id, Date.now(), Math.ceil(delayMs), token, { skipAttempt: true });
  }

  async putBack({ id, data }: FetchedJob, token: string, first: boolean): Promise<void> {
    await this.backend.retryJob(id, first, token, {});
    if (data?.group === undefined) return;
    const placed = first ? this.goFirst(id, rankOf(data)) : this.takeTurns(rankOf(data));
    // It is back, wherever it stands.
    await placed.catch(() => undefined);
  }

  /** Gives all entries of a row that BullMQ itself has put back their turns. */
  protected abstract takeTurns(rank: number): Promise<unknown>;

  /** Puts an entry ahead of its row, where BullMQ has not. */
  protected abstract goFirst(jobId: string, rank: number): Promise<unknown>;

  async #received(next: unknown): Promise<Fetched> {
    const fetched = toFetched(next);
    const row = rowOfReturn(next, fetched);
    // What BullMQ puts back comes ahead of its row: the first one of it tells that there may be more.
    if (row !== undefined) await this.takeTurns(row).catch(() => undefined);
    return fetched;
  }

  renew(jobIds: readonly string[], tokens: readonly string[]): Promise<readonly string[]> {
    return this.backend.extendLocks([...jobIds], [...tokens], this.#lockDurationMs);
  }

  async sweep(): Promise<void> {
    await this.backend.moveStalledJobsToWait();
  }
}

/** The part of a producer that is the same for every backend. */
export class BackendProducer {
  readonly backend: IQueueBackend;

  constructor(backend: IQueueBackend) {
    this.backend = backend;
  }

  async find(jobId: string): Promise<JobData | undefined> {
    const json = await this.backend.getJobData(jobId);
    return json === undefined ? undefined : parseData(json.data);
  }

  async updateData(jobId: string, data: JobData): Promise<void> {
    await this.backend.updateData({ id: jobId } as Parameters<IQueueBackend['updateData']>[0], data);
  }
}
