import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRedisLimits, type RedisLimitsOptions } from '../../src/adapters/redis/index.js';
import type { LimitLease } from '../../src/contracts/limits.js';
import { CLUSTER_PASSWORD, type RedisCluster, startRedisCluster } from '../support/redis-cluster.mjs';
import { newPrefix, outcomeWithin, take, takeAll, until } from './redis-rig.js';

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
}, 60_000);

afterAll(() => cluster.close(), 60_000);

const KEYS = Array.from({ length: 6 }, (_, index) => ({
  project: `project ${index}`,
  endpoint: 'endpoint',
  mode: 'sync' as const,
}));

describe('limits through a Redis Cluster', () => {
  it.each<[string, () => RedisLimitsOptions]>([
    [
      'its nodes',
      () => ({
        cluster: { nodes: cluster.nodes, options: { redisOptions: { password: CLUSTER_PASSWORD } } },
      }),
    ],
    ['a client', () => ({ connection: cluster.client })],
  ])(
    'are shared, from %s',
    async (_what, connection) => {
      const prefix = newPrefix();
      const settings = { ...connection(), prefix, maxConcurrent: 2 };
      const [first, second] = [createRedisLimits(settings), createRedisLimits(settings)];
      try {
        for (const key of KEYS) {
          const lease = await take(first, { key });
          await take(second, { key });
          const waiting = take(second, { key });
          expect(await outcomeWithin(waiting, 50)).toBe('nothing');
          lease.release();
          expect((await waiting).waitedMs).toBeLessThan(1500);
        }
      } finally {
        await Promise.all([first.close?.(), second.close?.()]);
      }
      expect(await cluster.client.ping()).toBe('PONG');
    },
    30_000,
  );

  it('go on when the master of their keys is gone', async () => {
    const options = {
      cluster: { nodes: cluster.nodes, options: { redisOptions: { password: CLUSTER_PASSWORD } } },
      prefix: newPrefix(),
      maxConcurrent: 4,
      commandTimeoutMs: 500,
    };
    const [first, second] = [createRedisLimits(options), createRedisLimits(options)];
    try {
      const leases: LimitLease[] = [...(await takeAll(first, 1)), ...(await takeAll(second, 1))];
      const nodes = await Promise.all(
        cluster.client.nodes('master').map((node) => node.keys(`${options.prefix}:*`)),
      );
      const key = nodes.flat()[0] ?? '';
      await cluster.kill(await cluster.masterOf(key));
      // By its share, or by the new master.
      leases.push(...(await takeAll(first, 1)), ...(await takeAll(second, 1)));
      await until(async () => Number(await cluster.client.zcard(key.replace(/[^:]*$/, 'held'))) === 4);
      expect(await outcomeWithin(take(first), 500)).toBe('nothing');
      leases[0]?.release();
      await until(async () => Number(await cluster.client.zcard(key.replace(/[^:]*$/, 'held'))) === 4);
    } finally {
      await Promise.all([first.close?.(), second.close?.()]);
    }
  }, 40_000);
});
