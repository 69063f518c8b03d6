import type { QueueAdapter } from 'transcription-client';
import { type BullmqQueueOptions, createBullmqQueue } from 'transcription-client/bullmq';
import { testQueueContract } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { CLUSTER_PASSWORD, type RedisCluster, startRedisCluster } from '../support/redis-cluster.mjs';

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster({ settings: { appendonly: 'yes', appendfsync: 'no' } });
}, 60_000);

afterAll(() => cluster.close(), 60_000);

/** They ask for one order of all entries, and that holds within a shard. */
const OF_ONE_ROW = ([] as number[]).map((rule) => `queue ${rule}:`);

let names = 0;

function contract(options: Partial<BullmqQueueOptions>, leftOut: readonly string[] = []): void {
  const opened = new WeakMap<QueueAdapter, string>();
  const open = (name: string): QueueAdapter => {
    const redisOptions = { password: CLUSTER_PASSWORD };
    const queue = createBullmqQueue({
      cluster: { nodes: cluster.nodes, options: { redisOptions } },
      name,
      ...options,
    });
    opened.set(queue, name);
    return queue;
  };
  testQueueContract(
    {
      describe,
      it: (rule, body) => leftOut.some((start) => rule.startsWith(start)) || it(rule, body),
    },
    {
      capabilities: { distributed: true, durable: true },
      time: 'real',
      create() {
        names += 1;
        return open(`queue-${names}`);
      },
      reopen: (first) => open(opened.get(first) ?? ''),
    },
  );
}

describe('BullMQ on a Redis Cluster', () => contract({}));
describe('BullMQ on a Redis Cluster in three shards', () => contract({ shards: 3 }, OF_ONE_ROW));
