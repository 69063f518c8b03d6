import type { Clock } from '../../contracts/clock.js';
import { BadRequestError } from '../../errors/index.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { checkMethods, checkNumber } from '../../internal/validate.js';
import { checkName, checkTimes, type QueueTimes } from './options.js';
import type { PostgresPoolInstance, PostgresQueuePool } from './postgres-pool.js';

export interface BullmqPostgresQueueOptions {
  /** Such as `postgres://user:password@host/database`. A pool of the package pg is opened at the first call. */
  connectionString?: string;
  /**
   * A `Pool` of pg instead, made with `options: '-c search_path=bullmq'`. It stays open. A queue with a worker keeps
   * two of its connections.
   */
  pool?: PostgresPoolInstance;
  /** Name of the queue. Default `transcription`. */
  name?: string;
  /** Connections of the pool that is opened here. Default 10. */
  maxConnections?: number;
  /** How long an entry is kept for a worker that is not heard of. Default 30000. */
  lockDurationMs?: number;
  /** How often a worker looks for entries of workers that died. Default 10000. */
  stalledIntervalMs?: number;
  /** Longest wait for PostgreSQL. Default 2000. */
  commandTimeoutMs?: number;
  /** Default: the machine's own time. */
  clock?: Clock;
}

export interface PostgresSettings extends QueueTimes {
  readonly connectionString: string;
  readonly pool: PostgresQueuePool | undefined;
  readonly name: string;
  readonly maxConnections: number;
}

const KEYS: readonly (keyof BullmqPostgresQueueOptions)[] = [
  'connectionString',
  'pool',
  'name',
  'maxConnections',
  'lockDurationMs',
  'stalledIntervalMs',
  'commandTimeoutMs',
  'clock',
];

export function checkPostgresOptions(options: BullmqPostgresQueueOptions): PostgresSettings {
  checkOptions('createBullmqPostgresQueue()', options as unknown, KEYS);
  const { connectionString, pool, maxConnections = 10 } = options;
  checkMethods('pool', pool, ['connect', 'query', 'end', 'on', 'off']);
  if ((connectionString === undefined) === (pool === undefined)) {
    throw new BadRequestError('createBullmqPostgresQueue() needs either a connectionString or a pool.', {
      code: 'invalid_option',
    });
  }
  if (connectionString !== undefined && !/^(?:postgres|postgresql):\/\/./.test(String(connectionString))) {
    // The value stays out of the message: it holds a password.
    throw new BadRequestError(
      'The option connectionString must be a text such as postgres://user:password@host/database.',
      { code: 'invalid_option' },
    );
  }
  checkNumber('maxConnections', maxConnections, { min: 4 });
  return {
    connectionString: connectionString ?? '',
    pool: pool as PostgresQueuePool | undefined,
    name: checkName(options.name),
    maxConnections,
    ...checkTimes(options),
  };
}
