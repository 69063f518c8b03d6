// Beside call-options.ts, so that a client which has not been called yet does not load it.
import { resolveSource } from './audio/resolve.js';
import { checkCall, overDefaults } from './call-options.js';
import type { EnqueueOptions } from './contracts/index.js';
import { PRERECORDED_KEYS } from './deepgram/map-options.js';
import type { GivenSource } from './given-source.js';
import type { ResolvedOptions } from './options.js';
import { ENQUEUE_KEYS, type JobService } from './queue/index.js';
import { settlePrerecorded } from './transcribe-options.js';

/** The jobs, for sources and options as the caller gave them. */
export function settleJobs(jobs: JobService, client: ResolvedOptions): JobService<GivenSource> {
  return {
    enqueue: async (source, options = {}) =>
      jobs.enqueue(source.resolve(resolveSource), settleEnqueue(options, client)),
    enqueueMany: async (items) =>
      jobs.enqueueMany(
        items.map(({ source, options }) => ({
          source: source.resolve(resolveSource),
          options: settleEnqueue(options, client),
        })),
      ),
    get: (id) => jobs.get(id),
    list: (query) => jobs.list(query),
    cancel: (id) => jobs.cancel(id),
    retry: (id) => jobs.retry(id),
    remove: (id) => jobs.remove(id),
    startWorker: (options) => jobs.startWorker(options),
    depth: () => jobs.depth(),
    close: (options) => jobs.close(options),
  };
}

/**
 * The options of a job, with the client's defaults in them: a worker in another process may have others.
 *
 * The queue checks its own options; what travels to Deepgram is checked here, before anything is stored.
 */
function settleEnqueue(options: EnqueueOptions, client: ResolvedOptions): EnqueueOptions {
  checkCall('enqueue()', options, [...PRERECORDED_KEYS, ...ENQUEUE_KEYS]);
  settlePrerecorded(options, client);
  return { ...options, ...overDefaults(options, client, PRERECORDED_KEYS) };
}
