import type { AudioSource, EnqueueOptions } from './contracts/index.js';
import { checkOptions, closeTimeoutMs } from './internal/check-arguments.js';
import { checkKeys, checkPlainObject, invalidOption } from './internal/validate.js';

export interface WorkerOptions {
  /** Jobs run at the same time. Default: `queue.concurrency`. */
  readonly concurrency?: number;
  /**
   * Closes the client when the process gets SIGTERM, as `close()` does: it takes no new jobs, gives those that run
   * `timeoutMs` (default 10000) to end, aborts and queues again the others. Then the process ends, unless the
   * application listens to SIGTERM as well, or another client still closes. Default false.
   */
  readonly closeOnSigterm?: boolean | { readonly timeoutMs?: number };
}

/** One item of `enqueueMany()`. */
export interface EnqueueRequest {
  readonly source: AudioSource;
  readonly options?: EnqueueOptions;
}

export function checkWorkerOptions(options: WorkerOptions): void {
  checkOptions('startWorker()', options, ['concurrency', 'closeOnSigterm']);
  const { closeOnSigterm: drain } = options;
  if (typeof drain === 'object' && drain !== null) closeTimeoutMs(drain);
  else if (drain !== undefined && typeof drain !== 'boolean') {
    throw invalidOption('closeOnSigterm', 'true, false or { timeoutMs }', drain);
  }
}

/** Items of `enqueueMany()` whose options are not checked yet. */
export function checkRequests(items: unknown): readonly EnqueueRequest[] {
  if (!Array.isArray(items)) throw invalidOption('items of enqueueMany()', 'an array', items);
  return Array.from(items, (item, index) => {
    checkPlainObject(`items[${index}]`, item ?? null);
    checkKeys(`items[${index}]`, item, ['source', 'options']);
    return item as EnqueueRequest;
  });
}
