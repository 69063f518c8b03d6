import { type ErrorCode, QueueError, type TranscriptionError } from '../../errors/index.js';
import { toSqliteError } from './errors.js';

const CODES: Partial<Record<ErrorCode, ErrorCode>> = {
  storage_unavailable: 'queue_unavailable',
  storage_failed: 'queue_failed',
};

/** A failure of the file, as one of the queue in it. */
export function toQueueError(error: unknown): TranscriptionError {
  const found = toSqliteError(error);
  if (found.name !== 'StorageError') return found;
  const { message, code, retryable, cause } = found;
  return new QueueError(message, { code: CODES[code] ?? code, retryable, cause });
}

export function queueClosed(): QueueError {
  return new QueueError('The queue has been closed. Use a new client.', { code: 'queue_failed' });
}
