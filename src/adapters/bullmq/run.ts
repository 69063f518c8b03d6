import type { EntryHandler, EntryOutcome } from '../../contracts/queue.js';
import type { AbortedError } from '../../errors/index.js';
import type { FetchedJob } from './engine.js';
import { type JobData, toEntry } from './entry.js';
import { leaseLost } from './errors.js';
import type { Leased } from './leases.js';

export const DONE = { type: 'done' } as const;

/** One run of an entry by this worker. */
export class Run implements Leased {
  readonly job: FetchedJob;
  readonly token: string;
  readonly #controller = new AbortController();
  leasedAtMs: number;
  isEnding = false;
  isCancelled = false;
  isLost = false;

  constructor(job: FetchedJob, token: string, leasedAtMs: number) {
    this.job = job;
    this.token = token;
    this.leasedAtMs = leasedAtMs;
  }

  get jobId(): string {
    return this.job.id;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Never rejects: what the handler throws is reported, and the entry is done. */
  async carryOut(
    data: JobData,
    handler: EntryHandler,
    report: (error: unknown) => void,
  ): Promise<EntryOutcome> {
    try {
      const outcome: EntryOutcome | undefined = await handler(toEntry(data), this.signal);
      return !this.isCancelled && outcome?.type === 'again' ? outcome : DONE;
    } catch (error) {
      report(error);
      return DONE;
    }
  }

  /** The first reason counts. */
  abort(reason: AbortedError): void {
    this.#controller.abort(reason);
  }

  lose(): void {
    this.isLost = true;
    this.#controller.abort(leaseLost());
  }
}
