import type { Clock } from '../../contracts/clock.js';
import { BadRequestError } from '../../errors/index.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { systemClock } from '../../internal/system-clock.js';
import {
  checkMethods,
  checkNumber,
  checkPlainObject,
  checkString,
  invalidOption,
  isPlainObject,
} from '../../internal/validate.js';

/** What is used of a `Redis` or `Cluster` of ioredis. */
export interface RedisInstance {
  readonly status: string;
  evalsha(sha: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  /** Redis and Cluster take different arguments here. */
  duplicate(...overrides: never[]): unknown;
  connect(): Promise<void>;
  disconnect(reconnect?: boolean): void;
  /** Each event has arguments of its own. */
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

export interface RedisClusterOption {
  /** As the first argument of ioredis's `Cluster`. */
  readonly nodes: readonly (string | number | { readonly host?: string; readonly port?: number })[];
  /** As the second argument of ioredis's `Cluster`. */
  readonly options?: object;
}

export interface RedisLimitsOptions {
  /**
   * A redis:// or rediss:// URL, the options of ioredis's `Redis` as a plain object, or a `Redis` or `Cluster` of
   * yours. What is handed in is used for commands and stays open; a second connection listens.
   */
  readonly connection?: string | object | RedisInstance;
  /** A Redis Cluster, instead of `connection`. */
  readonly cluster?: RedisClusterOption;
  /** First part of all keys. Who shares the limits has the same. Default `transcription-limits`. */
  readonly prefix?: string;
  /** Pre-recorded requests at the same time, of all processes together. Default 50. */
  readonly maxConcurrent?: number;
  /** Live streams at the same time, of all processes together. Default 50. */
  readonly maxConcurrentStreams?: number;
  /** Starts of pre-recorded requests in any 60 seconds, of all processes together. Default: no limit. */
  readonly requestsPerMinute?: number | undefined;
  /** Callers of this process that may wait for one key. Default 1000. */
  readonly maxWaiting?: number;
  /**
   * After how long the places of a process that died, stopped, or lost its connection are given to others.
   * Default 30000. One that was only stopped goes on with its requests afterwards, and for so long there may be
   * more of them than places; so choose it longer than any pause that you expect.
   */
  readonly leaseMs?: number;
  /**
   * How long an answer of Redis may take before it counts as unavailable: at most half of `leaseMs`. Default 2000,
   * or half of a shorter `leaseMs`.
   */
  readonly commandTimeoutMs?: number;
  /**
   * While Redis cannot be reached: `reject` refuses every call with a NetworkError that may be retried; `local`,
   * the default, gives each process its share of the limits (see `createRedisLimits()`).
   */
  readonly whenUnavailable?: 'reject' | 'local';
  readonly clock?: Clock;
}

export type RedisTarget =
  | { readonly kind: 'options'; readonly options: string | object }
  | { readonly kind: 'instance'; readonly instance: RedisInstance }
  | { readonly kind: 'cluster'; readonly nodes: RedisClusterOption['nodes']; readonly options: object };

export interface RedisLimitsSettings {
  readonly target: RedisTarget;
  readonly prefix: string;
  readonly maxConcurrent: number;
  readonly maxConcurrentStreams: number;
  readonly requestsPerMinute: number | undefined;
  readonly maxWaiting: number;
  readonly leaseMs: number;
  readonly commandTimeoutMs: number;
  readonly whenUnavailable: 'reject' | 'local';
  readonly clock: Clock;
}

const DEFAULT_LEASE_MS = 30_000;

const KEYS = [
  'connection',
  'cluster',
  'prefix',
  'maxConcurrent',
  'maxConcurrentStreams',
  'requestsPerMinute',
  'maxWaiting',
  'leaseMs',
  'commandTimeoutMs',
  'whenUnavailable',
  'clock',
] as const;

const INSTANCE_METHODS = [
  'evalsha',
  'eval',
  'subscribe',
  'duplicate',
  'connect',
  'disconnect',
  'on',
  'off',
] as const;

export function resolveRedisLimits(options: RedisLimitsOptions): RedisLimitsSettings {
  checkOptions('createRedisLimits()', options as unknown, KEYS);
  const { prefix, maxConcurrent, maxConcurrentStreams, requestsPerMinute, maxWaiting, leaseMs } = options;
  const { commandTimeoutMs, whenUnavailable, clock } = options;
  checkString('prefix', prefix);
  // A brace would move the hash tag, and with it the keys of one pool to different nodes of a Cluster.
  if (prefix !== undefined && /[{}]/.test(prefix))
    throw invalidOption('prefix', 'a string without { and }', prefix);
  checkNumber('maxConcurrent', maxConcurrent, { min: 1 });
  checkNumber('maxConcurrentStreams', maxConcurrentStreams, { min: 1 });
  checkNumber('requestsPerMinute', requestsPerMinute, { min: 1 });
  checkNumber('maxWaiting', maxWaiting, { min: 0 });
  checkNumber('leaseMs', leaseMs, { min: 500, max: 3_600_000 });
  const halfLeaseMs = Math.floor((leaseMs ?? DEFAULT_LEASE_MS) / 2);
  // A place whose answer took longer is not used: its lease may be over soon.
  checkNumber('commandTimeoutMs', commandTimeoutMs, { min: 10, max: halfLeaseMs });
  if (whenUnavailable !== undefined && whenUnavailable !== 'reject' && whenUnavailable !== 'local') {
    throw invalidOption('whenUnavailable', "'reject' or 'local'", whenUnavailable);
  }
  checkMethods('clock', clock, ['monotonicMs', 'wallMs', 'setTimer']);
  return {
    target: targetOf(options),
    prefix: prefix ?? 'transcription-limits',
    maxConcurrent: maxConcurrent ?? 50,
    maxConcurrentStreams: maxConcurrentStreams ?? 50,
    requestsPerMinute,
    maxWaiting: maxWaiting ?? 1000,
    leaseMs: leaseMs ?? DEFAULT_LEASE_MS,
    commandTimeoutMs: commandTimeoutMs ?? Math.min(2000, halfLeaseMs),
    whenUnavailable: whenUnavailable ?? 'local',
    clock: clock ?? systemClock,
  };
}

function targetOf({ connection, cluster }: RedisLimitsOptions): RedisTarget {
  if ((connection === undefined) === (cluster === undefined)) {
    throw new BadRequestError('createRedisLimits() takes either connection or cluster. Set one of the two.', {
      code: 'invalid_option',
    });
  }
  if (cluster !== undefined) return clusterTarget(cluster);
  if (typeof connection === 'string') {
    if (!/^rediss?:\/\/./.test(connection) || !URL.canParse(connection)) throw noRedisUrl();
    return { kind: 'options', options: connection };
  }
  if (isPlainObject(connection)) return { kind: 'options', options: connection };
  checkMethods('connection', connection ?? null, INSTANCE_METHODS);
  return { kind: 'instance', instance: connection as RedisInstance };
}

function clusterTarget(cluster: RedisClusterOption): RedisTarget {
  checkOptions('the option cluster', cluster as unknown, ['nodes', 'options']);
  const { nodes, options } = cluster;
  if (!Array.isArray(nodes) || nodes.length === 0)
    throw invalidOption('cluster.nodes', 'an array of nodes', nodes);
  checkPlainObject('cluster.options', options);
  return { kind: 'cluster', nodes, options: options ?? {} };
}

/** Without the value: it may hold a password. */
function noRedisUrl(): BadRequestError {
  return new BadRequestError(
    'The option connection must be a redis:// or rediss:// URL. Write signs such as # / ? @ in its password as ' +
      '%23 %2F %3F %40.',
    { code: 'invalid_option' },
  );
}
