import type { EnqueueOptions } from '../contracts/call-options.js';
import type { PrerecordedDeepgramOptions } from '../contracts/deepgram-options.js';
import type { QueueAdapter } from '../contracts/queue.js';
import type { StorageCapabilities } from '../contracts/storage.js';
import { QueueError } from '../errors/index.js';
import { checkOptions } from '../internal/check-arguments.js';
import { checkNumber } from '../internal/validate.js';

/** What is known and refused before the queue is loaded. */

/** The options of `enqueue()` that are ours and do not travel to Deepgram. The type keeps the list complete. */
export const ENQUEUE_KEYS: readonly string[] = Object.keys({
  signal: true,
  userId: true,
  metadata: true,
  region: true,
  store: true,
  timeoutMs: true,
  totalTimeoutMs: true,
  idempotencyKey: true,
  priority: true,
  delayMs: true,
  attempts: true,
  durationSeconds: true,
  webhook: true,
  delivery: true,
} satisfies Record<Exclude<keyof EnqueueOptions, keyof PrerecordedDeepgramOptions>, true>);

export function checkWorkerOptions(options: { readonly concurrency?: number }): void {
  checkOptions('startWorker()', options, ['concurrency']);
  checkNumber('concurrency', options.concurrency, { min: 1 });
}

/** @throws QueueError where the workers of the queue could not see the jobs. */
export function checkSharing(queue: QueueAdapter, storage: StorageCapabilities): void {
  if (!queue.capabilities.distributed || storage.shared) return;
  throw new QueueError(
    'The workers of this queue may run in other processes, which cannot see this storage. ' +
      'Use a shared storage, such as SQLite (createSqliteStorage) or PostgreSQL, or the queue in the process.',
    { code: 'queue_failed' },
  );
}
