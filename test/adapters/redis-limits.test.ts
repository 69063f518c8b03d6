import { afterAll, beforeAll, describe, it } from 'vitest';
import { createRedisLimits } from '../../src/adapters/redis/index.js';
import type { Clock } from '../../src/contracts/clock.js';
import type { LimitsAdapter } from '../../src/contracts/limits.js';
import { type ContractLimits, testLimitsContract } from '../../src/testing/contract/limits.js';
import { type RedisServer, startRedis } from '../support/redis-server.mjs';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
}, 60_000);

afterAll(() => server.close());

describe('Redis', () => {
  let count = 0;
  const prefixes = new WeakMap<LimitsAdapter, string>();
  const open = (prefix: string, limits: ContractLimits, clock: Clock): LimitsAdapter => {
    const adapter = createRedisLimits({ connection: server.url, prefix, ...limits, clock });
    prefixes.set(adapter, prefix);
    return adapter;
  };
  testLimitsContract(
    { describe, it },
    {
      time: 'real',
      create: (limits, clock) => {
        count += 1;
        return open(`limits-${count}`, limits, clock);
      },
      reopen: (first, limits, clock) => open(prefixes.get(first) ?? '', limits, clock),
    },
  );
});
