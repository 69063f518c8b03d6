import type { Redis } from 'ioredis';
import type { QueueProblem } from '../../contracts/queue.js';
import type { Client } from './connections.js';
import { hasHashTag } from './shards.js';

/** What BullMQ needs, and what it asks for. */
const MINIMUM = [5, 0] as const;
const RECOMMENDED = [6, 2] as const;

export async function redisHealth(
  client: Client,
  prefixes: readonly string[],
): Promise<readonly QueueProblem[]> {
  const isCluster = 'nodes' in client;
  const nodes = (isCluster ? client.nodes('master') : [client]) as readonly Redis[];
  const problems = new Map<string, QueueProblem>();
  const add = (found: readonly QueueProblem[]): void => {
    for (const problem of found) problems.set(problem.code, problem);
  };
  const infos = await Promise.all(nodes.map(infoOf));
  for (const info of infos) add(problemsOf(info));
  const isOnCluster = isCluster || infos.some((info) => info?.get('cluster_enabled') === '1');
  if (isOnCluster && !prefixes.every(hasHashTag)) add([WITHOUT_TAG]);
  if (isCluster && client.nodes('slave').length === 0) add([WITHOUT_REPLICAS]);
  return [...problems.values()];
}

const WITHOUT_TAG: QueueProblem = {
  code: 'redis_hash_tag',
  severity: 'error',
  message:
    'On a Redis Cluster the keys of a queue must lie on one node. Use a prefix with a hash tag, such as {bull}.',
};

export const REFUSED_CHANNELS: QueueProblem = {
  code: 'redis_channels',
  severity: 'error',
  message:
    'The user may not subscribe to the channels of the queue: cancels arrive late, and messages not at all. Give the user the rights for channels that begin with its prefix, such as &bull:*.',
};

const WITHOUT_REPLICAS: QueueProblem = {
  code: 'redis_no_replicas',
  severity: 'warning',
  message:
    'The masters of the Redis Cluster have no replicas: when one fails, so does the queue. Add replicas.',
};

/** Of the fields of INFO; undefined where the server refuses to tell. */
export function problemsOf(info: ReadonlyMap<string, string> | undefined): readonly QueueProblem[] {
  const problems: QueueProblem[] = [];
  const policy = info?.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    problems.push({
      code: 'redis_eviction_policy',
      severity: 'error',
      message: `Redis takes out keys when its memory is full (maxmemory-policy ${policy}), and with them entries of the queue. Set maxmemory-policy to noeviction.`,
    });
  }
  const maxMemory = Number(info?.get('maxmemory') ?? 0);
  if (maxMemory > 0 && Number(info?.get('used_memory')) >= maxMemory) {
    problems.push({
      code: 'redis_full',
      severity: 'error',
      message:
        'The memory of Redis is full (maxmemory): it takes no new entries. Give it more memory, or take work out of it.',
    });
  }
  const appendOnly = info?.get('aof_enabled');
  if (appendOnly === undefined) {
    problems.push({
      code: 'redis_unknown_persistence',
      severity: 'warning',
      message:
        'Redis does not tell whether its data survives a crash. See that append-only files are on (appendonly yes).',
    });
  } else if (appendOnly !== '1') {
    problems.push({
      code: 'redis_no_persistence',
      severity: 'warning',
      message: 'Redis loses the entries of the queue in a crash. Set appendonly to yes.',
    });
  }
  const version = info?.get('redis_version') ?? '';
  if (isOlder(version, RECOMMENDED)) {
    problems.push({
      code: 'redis_version',
      severity: isOlder(version, MINIMUM) ? 'error' : 'warning',
      message: 'This Redis is too old for BullMQ. Use Redis 6.2 or newer.',
    });
  }
  return problems;
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const parts = /^(\d+)\.(\d+)/.exec(version);
  if (parts === null) return false;
  return Number(parts[1]) < major || (Number(parts[1]) === major && Number(parts[2]) < minor);
}

/** Undefined where the server refuses it, as hosted ones may. */
async function infoOf(node: Redis): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    return parseInfo(await node.info());
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return undefined;
    throw error;
  }
}

export function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}
