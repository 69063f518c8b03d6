import type { Clock } from '../../contracts/clock.js';
import { BadRequestError } from '../../errors/index.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { systemClock } from '../../internal/system-clock.js';
import {
  checkMethods,
  checkNumber,
  checkPlainObject,
  invalidOption,
  isPlainObject,
} from '../../internal/validate.js';

/** A `Redis` or a `Cluster` of ioredis. */
export interface RedisInstance {
  duplicate(...parameters: never[]): unknown;
  disconnect(...parameters: never[]): unknown;
  readonly status: string;
  readonly options: object;
}

export interface RedisClusterOptions {
  /** Nodes of the cluster to begin with: `{ host, port }`, or URLs. */
  readonly nodes: readonly (string | { readonly host?: string; readonly port?: number })[];
  /** Options of `Cluster` of ioredis, such as `redisOptions` with a password. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface BullmqQueueOptions {
  /**
   * A URL such as `redis://:password@host:6379`, options of ioredis (also for Sentinel), or a `Redis` or `Cluster` of
   * ioredis. An instance stays open: connections like it are opened.
   */
  connection?: string | Readonly<Record<string, unknown>> | RedisInstance;
  /** Instead of `connection`. */
  cluster?: RedisClusterOptions;
  /** Name of the queue, in all of its keys. Default `transcription`. */
  name?: string;
  /** What the keys begin with. Default `bull`, on a cluster `{bull}`. */
  prefix?: string;
  /**
   * Parts of the queue that can lie on different nodes of a cluster. The order of entries holds within a part.
   * All processes need the same number. Default 1.
   */
  shards?: number;
  /** How long an entry is kept for a worker that is not heard of. Default 30000. */
  lockDurationMs?: number;
  /** How often a worker looks for entries of workers that died. Default 10000. */
  stalledIntervalMs?: number;
  /** Longest wait for Redis. Default 2000. */
  commandTimeoutMs?: number;
  /** Default: the machine's own time. */
  clock?: Clock;
}

/** Times that hold for every back end. */
export interface QueueTimes {
  readonly lockDurationMs: number;
  readonly stalledIntervalMs: number;
  readonly commandTimeoutMs: number;
  readonly clock: Clock;
}

export type RedisSource =
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'options'; readonly options: Readonly<Record<string, unknown>> }
  | { readonly type: 'instance'; readonly instance: RedisInstance }
  | { readonly type: 'cluster'; readonly cluster: RedisClusterOptions };

export interface RedisSettings extends QueueTimes {
  readonly source: RedisSource;
  readonly name: string;
  readonly prefix: string;
  readonly shards: number;
}

const KEYS: readonly (keyof BullmqQueueOptions)[] = [
  'connection',
  'cluster',
  'name',
  'prefix',
  'shards',
  'lockDurationMs',
  'stalledIntervalMs',
  'commandTimeoutMs',
  'clock',
];

export function checkRedisOptions(options: BullmqQueueOptions): RedisSettings {
  const where = 'createBullmqQueue()';
  checkOptions(where, options as unknown, KEYS);
  const source = checkSource(options);
  const { prefix = isCluster(source) ? '{bull}' : 'bull', shards = 1 } = options;
  if (typeof prefix !== 'string' || !/^\S{1,100}$/.test(prefix)) {
    throw invalidOption('prefix', 'a text of 1 to 100 characters without spaces', prefix);
  }
  checkNumber('shards', shards, { min: 1, max: 64 });
  return { source, name: checkName(options.name), prefix, shards, ...checkTimes(options) };
}

export function checkName(name: unknown = 'transcription'): string {
  if (typeof name === 'string' && /^[\w.-]{1,100}$/.test(name)) return name;
  throw invalidOption('name', 'a name of 1 to 100 letters, digits, _, - and .', name);
}

export function checkTimes(options: Partial<QueueTimes>): QueueTimes {
  const { lockDurationMs = 30_000, stalledIntervalMs = 10_000, commandTimeoutMs = 2000 } = options;
  const { clock = systemClock } = options;
  checkNumber('lockDurationMs', lockDurationMs, { min: 100 });
  checkNumber('stalledIntervalMs', stalledIntervalMs, { min: 50 });
  checkNumber('commandTimeoutMs', commandTimeoutMs, { min: 20 });
  checkMethods('clock', clock, ['monotonicMs', 'wallMs', 'setTimer']);
  return { lockDurationMs, stalledIntervalMs, commandTimeoutMs, clock };
}

/** The name of a queue that is derived from another one. No queue can be given such a name. */
export function derivedName(name: string, derived: unknown): string {
  if (typeof derived === 'string' && /^[a-z-]{1,32}$/.test(derived)) return `${name}~${derived}`;
  throw invalidOption('name', 'a name of 1 to 32 of a to z and -', derived);
}

function checkSource({ connection, cluster }: BullmqQueueOptions): RedisSource {
  if ((connection === undefined) === (cluster === undefined)) {
    throw new BadRequestError('createBullmqQueue() needs either a connection or a cluster.', {
      code: 'invalid_option',
    });
  }
  if (cluster !== undefined) return { type: 'cluster', cluster: checkCluster(cluster) };
  if (typeof connection === 'string') {
    if (/^rediss?:\/\/./.test(connection) && URL.canParse(connection)) {
      refuseKeyPrefix('connection', Object.fromEntries(new URL(connection).searchParams));
      return { type: 'url', url: connection };
    }
    // The value stays out of the message: it may hold a password.
    throw new BadRequestError(
      'The option connection must be a URL such as redis://:password@host:6379. Write special characters of the password as in encodeURIComponent().',
      { code: 'invalid_option' },
    );
  }
  if (isPlainObject(connection)) {
    refuseKeyPrefix('connection', connection);
    return { type: 'options', options: { ...connection } };
  }
  checkMethods('connection', connection, ['duplicate', 'disconnect', 'connect']);
  const instance = connection as RedisInstance;
  if (typeof instance.options !== 'object' || instance.options === null) {
    throw new BadRequestError(
      'The option connection must be a URL, options, or a Redis or Cluster of ioredis. What was passed has no options.',
      { code: 'invalid_option' },
    );
  }
  refuseKeyPrefix('connection', instance.options);
  return { type: 'instance', instance };
}

function checkCluster(cluster: RedisClusterOptions): RedisClusterOptions {
  checkPlainObject('cluster', cluster);
  checkOptions('cluster', cluster as unknown, ['nodes', 'options']);
  const { nodes, options } = cluster;
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw invalidOption('cluster.nodes', 'an array of { host, port } or URLs', nodes);
  }
  checkPlainObject('cluster.options', options);
  refuseKeyPrefix('cluster.options', options ?? {});
  return { nodes: [...nodes], ...(options === undefined ? {} : { options: { ...options } }) };
}

/** It would tear the keys of BullMQ apart. */
function refuseKeyPrefix(where: string, options: object): void {
  const { keyPrefix, redisOptions } = options as {
    keyPrefix?: unknown;
    redisOptions?: { keyPrefix?: unknown };
  };
  if (!keyPrefix && !redisOptions?.keyPrefix) return;
  throw new BadRequestError(`BullMQ cannot use the keyPrefix of ${where}. Use the option prefix instead.`, {
    code: 'invalid_option',
  });
}

export function isCluster(source: RedisSource): boolean {
  if (source.type === 'cluster') return true;
  return source.type === 'instance' && (source.instance as { isCluster?: boolean }).isCluster === true;
}
