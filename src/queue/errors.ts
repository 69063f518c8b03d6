import type { ClientEventOf } from '../contracts/events.js';
import { AbortedError, QueueError, toTranscriptionError } from '../errors/index.js';

export function closedError(): AbortedError {
  return new AbortedError('The client was closed. Jobs that have not ended are in the storage.', {
    code: 'client_closed',
  });
}

export function secondWorkerError(): QueueError {
  return new QueueError(
    'This client has a worker already. Close it first; to choose when it starts, set queue.autoStart to false.',
    { code: 'queue_failed' },
  );
}

/** For a worker that nobody can be told of by an error. */
export function workerNotStarted(error: unknown): ClientEventOf<'warning'> {
  return {
    type: 'warning',
    code: 'worker-not-started',
    message: `The queue refused a worker (${toTranscriptionError(error).code}). Jobs wait until one is started.`,
  };
}
