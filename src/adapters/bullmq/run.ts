import type { AbortedError } from '../../errors/index.js';
import type { FetchedJob } from './engine.js';
import { leaseLost } from './errors.js';
import type { Leased } from './leases.js';

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

  /** The first reason counts. */
  abort(reason: AbortedError): void {
    this.#controller.abort(reason);
  }

  lose(): void {
    this.isLost = true;
    this.#controller.abort(leaseLost());
  }
}
