// Beside call-options.ts, so that a client which has not been called yet does not load it.
import { resolveSource } from './audio/resolve.js';
import { checkCall, overDefaults } from './call-options.js';
import type { EnqueueOptions } from './contracts/index.js';
import { PRERECORDED_KEYS } from './deepgram/map-options.js';
import type { GivenSource } from './given-source.js';
import type { ResolvedOptions } from './options.js';
import { ENQUEUE_KEYS, type EnqueueItem } from './queue/index.js';
import { settlePrerecorded } from './transcribe-options.js';

/** Sources and options as the queue takes them, from what the caller gave. */
export function createEnqueueSettler(
  client: ResolvedOptions,
): (items: readonly EnqueueItem<GivenSource>[]) => readonly EnqueueItem[] {
  return (items) =>
    items.map(({ source, options }) => ({
      source: source.resolve(resolveSource),
      options: settleEnqueue(options, client),
    }));
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
