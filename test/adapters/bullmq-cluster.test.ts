import { type BullmqQueueOptions, createBullmqQueue } from 'transcription-client/bullmq';
import { afterAll, beforeAll, describe } from 'vitest';
import { CLUSTER_PASSWORD, type RedisCluster, startRedisCluster } from '../support/redis-cluster.mjs';
import { contract } from './bullmq-rig.js';

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster({ settings: { appendonly: 'yes', appendfsync: 'no' } });
}, 60_000);

afterAll(() => cluster.close(), 60_000);

/** They ask for one order of all entries. That holds within a shard. */
const OF_ONE_ORDER = [2, 4, 5, 18, 26, 34, 40, 41, 43, 50, 51, 52, 53, 54, 55, 56, 57, 58, 60];

function open(options: BullmqQueueOptions) {
  const redisOptions = { password: CLUSTER_PASSWORD };
  return createBullmqQueue({ cluster: { nodes: cluster.nodes, options: { redisOptions } }, ...options });
}

describe('BullMQ on a Redis Cluster', () => contract((name) => open({ name })));
describe('BullMQ on a Redis Cluster in three shards', () =>
  contract((name) => open({ name: `sharded-${name}`, shards: 3 }), OF_ONE_ORDER));
