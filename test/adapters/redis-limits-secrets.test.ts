import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { createRedisLimits, type RedisLimitsOptions } from '../../src/adapters/redis/index.js';
import type { LimitsAdapter } from '../../src/contracts/limits.js';
import { startFaultProxy } from '../../src/testing/proxy/index.js';
import { shown } from '../support/leaks.js';
import { newPrefix, outcomeWithin, take, testRedis } from './redis-rig.js';

const rig = testRedis();
const cleanups: (() => unknown)[] = [];
const KEY = { project: 'canary-project', endpoint: 'https://user:canary@host', mode: 'sync' } as const;

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function open(options: RedisLimitsOptions): LimitsAdapter {
  const limits = createRedisLimits({ commandTimeoutMs: 300, whenUnavailable: 'reject', ...options });
  cleanups.push(() => limits.close?.());
  return limits;
}

async function failureOf(options: RedisLimitsOptions): Promise<unknown> {
  const outcome = await outcomeWithin(take(open(options), { key: KEY }), 5000);
  expect(outcome).toBeInstanceOf(Error);
  return outcome;
}

async function byHand(user: string, ...rights: string[]): Promise<string> {
  await rig.server.client.call('ACL', 'SETUSER', user, 'on', '>canary-password', ...rights);
  return `redis://${user}:canary-password@127.0.0.1:${rig.server.port}`;
}

const FAILURES: Readonly<Record<string, readonly [code: string, failure: () => Promise<unknown>]>> = {
  'a server that is not there': [
    'network',
    () => failureOf({ connection: 'redis://canary:canary-password@127.0.0.1:1/0?canary=canary' }),
  ],
  'a name that nobody knows': [
    'network',
    () => failureOf({ connection: 'redis://:canary-password@canary.invalid' }),
  ],
  'a cluster that is not there': [
    'network',
    () =>
      failureOf({
        cluster: {
          nodes: [{ host: '127.0.0.1', port: 1 }],
          options: { redisOptions: { password: 'canary-password' } },
        },
      }),
  ],
  'a wrong password': [
    'invalid_option',
    () => failureOf({ connection: `redis://:canary-other@127.0.0.1:${rig.server.port}` }),
  ],
  'no password': ['invalid_option', () => failureOf({ connection: `redis://127.0.0.1:${rig.server.port}` })],
  'no right to run scripts': [
    'invalid_option',
    async () => failureOf({ connection: await byHand('canary-one', '~*', '+@all', '-@scripting') }),
  ],
  'no right to the keys': [
    'invalid_option',
    async () => failureOf({ connection: await byHand('canary-two', '~other:*', '+@all', '&*') }),
  ],
  'keys of another kind': [
    'invalid_option',
    async () => {
      const prefix = `canary-${newPrefix()}`;
      const limits = open({ connection: rig.server.url, prefix });
      (await take(limits, { key: KEY })).release();
      const seen = (await rig.server.client.keys(`${prefix}:*:seen`))[0] ?? '';
      await rig.server.client.set(seen, 'canary');
      return outcomeWithin(take(limits, { key: KEY }), 5000);
    },
  ],
  'a server that takes no writes': [
    'network',
    async () => {
      const limits = open({ connection: rig.server.url, prefix: newPrefix() });
      await rig.server.client.replicaof('127.0.0.1', 1);
      cleanups.push(() => rig.server.client.replicaof('NO', 'ONE'));
      return outcomeWithin(take(limits, { key: KEY }), 5000);
    },
  ],
  'an answer that does not come': [
    'network',
    async () => {
      const proxy = await startFaultProxy({ target: rig.server.url });
      cleanups.push(() => proxy.close());
      proxy.set({ down: { blackhole: true } });
      return failureOf({ connection: proxy.url });
    },
  ],
};

describe('a failure of the limits tells no secret', () => {
  it.each(Object.entries(FAILURES))('of %s', async (_name, [code, failure]) => {
    const error = await failure();
    expect(error).toMatchObject({ code });
    expect(shown(error)).not.toMatch(/canary/i);
  });
});

describe('limits through Redis', () => {
  it.each<[string, () => RedisLimitsOptions]>([
    ['a URL', () => ({ connection: rig.server.url })],
    [
      'a client',
      () => {
        const client = new Redis(rig.server.url, { lazyConnect: true });
        cleanups.push(() => client.disconnect());
        return { connection: client };
      },
    ],
  ])('show nothing of %s, and nor do their leases', async (_what, options) => {
    expect(rig.server.url).toContain('canary');
    const limits = open({ ...options(), prefix: newPrefix() });
    const lease = await take(limits, { key: KEY });
    expect(shown(limits)).not.toMatch(/canary/i);
    expect(shown(lease)).not.toMatch(/canary/i);
    lease.release();
  });
});
