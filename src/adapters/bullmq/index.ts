import type { QueueAdapter } from '../../contracts/queue.js';
import { type BullmqQueueOptions, checkRedisOptions } from './options.js';
import { createPostgresEngine } from './postgres.js';
import { type BullmqPostgresQueueOptions, checkPostgresOptions } from './postgres-options.js';
import { BullmqQueue } from './queue.js';
import { createRedisEngine } from './redis.js';

export type { BullmqQueueOptions, RedisClusterOptions, RedisInstance } from './options.js';
export type { BullmqPostgresQueueOptions } from './postgres-options.js';
export type { PostgresPoolInstance } from './postgres-pool.js';

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

/**
 * A queue on BullMQ and PostgreSQL, which is new in BullMQ: take it for a beta. Makes its tables by itself, in the
 * schema `bullmq`. Needs the packages bullmq and, with a connection string, pg.
 *
 * @throws BadRequestError for options that are unknown or out of range.
 */
export function createBullmqPostgresQueue(options: BullmqPostgresQueueOptions): QueueAdapter {
  const settings = checkPostgresOptions(options);
  return new BullmqQueue(createPostgresEngine(settings), settings);
}
