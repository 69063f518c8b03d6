import type { QueueAdapter } from '../../contracts/queue.js';
import { QueueError } from '../../errors/index.js';

export function createBullmqQueue(_options: object): QueueAdapter {
  throw new QueueError('This queue is not there yet.', { code: 'queue_failed' });
}

export function createBullmqPostgresQueue(_options: object): QueueAdapter {
  throw new QueueError('This queue is not there yet.', { code: 'queue_failed' });
}
