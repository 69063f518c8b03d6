import type { QueueAdapter } from '../../contracts/queue.js';
import { QueueError } from '../../errors/index.js';
import { type BullmqQueueOptions, checkRedisOptions } from './options.js';
import { BullmqQueue } from './queue.js';
import { createRedisEngine } from './redis.js';

export type { BullmqQueueOptions, RedisClusterOptions, RedisInstance } from './options.js';

/**
 * A queue on BullMQ and Redis: workers may live in other processes, and entries survive as far as Redis does. Needs
 * the packages bullmq and, unless it is handed an instance of it, ioredis.
 *
 * @throws BadRequestError for options that are unknown or out of range.
 */
export function createBullmqQueue(options: BullmqQueueOptions): QueueAdapter {
  const settings = checkRedisOptions(options);
  return new BullmqQueue(createRedisEngine(settings), settings);
}

export function createBullmqPostgresQueue(_options: object): QueueAdapter {
  throw new QueueError('This queue is not there yet.', { code: 'queue_failed' });
}
