import { QueueError } from 'transcription-client';
import { createBullmqQueue } from 'transcription-client/bullmq';
import { afterEach, describe, expect, it } from 'vitest';
import { parseInfo, problemsOf } from '../../src/adapters/bullmq/health.js';
import { failureOf } from '../support/client.js';
import { freePort } from '../support/free-port.mjs';
import { CLUSTER_PASSWORD, startRedisCluster } from '../support/redis-cluster.mjs';
import { type RedisServer, startRedis } from '../support/redis-server.mjs';

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function server(settings: Readonly<Record<string, string>>): Promise<RedisServer> {
  const started = await startRedis(settings);
  closing.push(started.close);
  return started;
}

async function healthOf(options: Parameters<typeof createBullmqQueue>[0]): Promise<Record<string, string>> {
  const queue = createBullmqQueue(options);
  closing.push(() => queue.close());
  const startedAt = performance.now();
  const problems = (await queue.health?.()) ?? [];
  expect(performance.now() - startedAt).toBeLessThan(1000);
  return Object.fromEntries(problems.map(({ code, severity }) => [code, severity]));
}

describe('the health of a queue', () => {
  it('is well with a journal and no eviction', async () => {
    const { url } = await server({ appendonly: 'yes' });
    expect(await healthOf({ connection: url })).toEqual({});
  });

  it.each(['allkeys-lru', 'volatile-ttl'])('tells of the eviction policy %s', async (policy) => {
    const { url } = await server({ appendonly: 'yes', 'maxmemory-policy': policy });
    expect(await healthOf({ connection: url })).toEqual({ redis_eviction_policy: 'error' });
  });

  it('tells of data that does not survive', async () => {
    const { url } = await server({});
    expect(await healthOf({ connection: url })).toEqual({ redis_no_persistence: 'warning' });
  });

  it('tells of a memory that is full', async () => {
    const { url, client } = await server({ appendonly: 'yes' });
    await client.config('SET', 'maxmemory', '1mb');
    expect(await healthOf({ connection: url })).toEqual({ redis_full: 'error' });
    await client.config('SET', 'maxmemory', '1gb');
    expect(await healthOf({ connection: url })).toEqual({});
  });

  it('says what it cannot know where the server does not tell', async () => {
    const { client, port } = await server({ appendonly: 'yes' });
    await client.call(
      'ACL',
      'SETUSER',
      'hosted',
      'on',
      '>canary-hosted',
      '~*',
      '&*',
      '+@all',
      '-info',
      '-config',
    );
    const connection = {
      host: '127.0.0.1',
      port,
      username: 'hosted',
      password: 'canary-hosted',
      enableReadyCheck: false,
    };
    expect(await healthOf({ connection })).toEqual({ redis_unknown_persistence: 'warning' });
  });

  it('rejects in time where there is no Redis', async () => {
    const queue = createBullmqQueue({ connection: `redis://127.0.0.1:${await freePort()}` });
    closing.push(() => queue.close());
    const startedAt = performance.now();
    const error = await failureOf(Promise.resolve(queue.health?.()));
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(error).toBeInstanceOf(QueueError);
    expect(error).toMatchObject({ code: 'queue_unavailable', retryable: true });
  });

  it('tells of a cluster without replicas, and of keys that lie anywhere', { timeout: 60_000 }, async () => {
    const cluster = await startRedisCluster({ replicas: false, settings: { appendonly: 'yes' } });
    closing.push(cluster.close);
    const options = { nodes: cluster.nodes, options: { redisOptions: { password: CLUSTER_PASSWORD } } };
    expect(await healthOf({ cluster: options })).toEqual({ redis_no_replicas: 'warning' });
    expect(await healthOf({ connection: cluster.client, shards: 2, prefix: 'mine' })).toEqual({
      redis_no_replicas: 'warning',
    });
    expect(await healthOf({ cluster: options, prefix: 'mine' })).toEqual({
      redis_no_replicas: 'warning',
      redis_hash_tag: 'error',
    });
    const queue = createBullmqQueue({ cluster: options, prefix: 'mine' });
    closing.push(() => queue.close());
    const error = await failureOf(queue.add([{ id: 'a', priority: 0, delayMs: 0 }]));
    expect(error).toMatchObject({ name: 'QueueError', code: 'queue_misconfigured' });
    expect((error as Error).message).toContain('{bull}');
  });

  it.each([
    ['4.0.9', 'error'],
    ['6.0.16', 'warning'],
    ['6.2.0', undefined],
    ['7.0.15', undefined],
    ['10.0.1', undefined],
  ])('of Redis %s is %s', (version, severity) => {
    const info = parseInfo(
      `# Server\r\nredis_version:${version}\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n`,
    );
    expect(problemsOf(info).map((problem) => problem.severity)).toEqual(
      severity === undefined ? [] : [severity],
    );
  });
});

describe('the epoch of a queue', () => {
  it('changes with the data and with the server, and with nothing else', async () => {
    const redis = await server({ appendonly: 'yes' });
    const queue = createBullmqQueue({ connection: redis.url, commandTimeoutMs: 5000 });
    closing.push(() => queue.close());
    const first = await queue.epoch?.();
    await queue.add([{ id: 'a', priority: 0, delayMs: 0 }]);
    expect(await queue.epoch?.()).toBe(first);
    await redis.client.flushall();
    const second = await queue.epoch?.();
    expect(second).not.toBe(first);
    await redis.crash();
    await redis.start();
    expect([first, second]).not.toContain(await queue.epoch?.());
  });
});
