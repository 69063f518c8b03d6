import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AudioStore,
  type QueueAdapter,
  type StorageAdapter,
  TranscriptionClient,
} from 'transcription-client';
import { createBullmqQueue } from 'transcription-client/bullmq';
import { createSqliteStorage } from 'transcription-client/sqlite';
import { createFakeClock } from 'transcription-client/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import { StorageError } from '../../src/errors/index.js';
import { type RedisServer, startRedis } from '../support/redis-server.mjs';

const clients: TranscriptionClient[] = [];
const cleanUps: (() => Promise<unknown>)[] = [];

function open(options: ConstructorParameters<typeof TranscriptionClient>[0]): TranscriptionClient {
  const client = new TranscriptionClient({ apiKey: 'test', ...options });
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close({ timeoutMs: 0 });
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function storageWith(health: () => Promise<void>): StorageAdapter {
  return { ...createMemoryStorage(), health };
}

function queueWith(health: QueueAdapter['health']): QueueAdapter {
  const queue = createMemoryQueue();
  return {
    capabilities: queue.capabilities,
    add: (entries) => queue.add(entries),
    cancel: (id) => queue.cancel(id),
    startWorker: (...args) => queue.startWorker(...args),
    depth: () => queue.depth(),
    close: () => queue.close(),
    ...(health && { health }),
  };
}

describe('health() and ready()', () => {
  it('find nothing wrong with a client that keeps all in memory', async () => {
    const client = open({});
    expect(await client.health()).toEqual({ status: 'ok', problems: [] });
    expect(await client.ready()).toEqual({ status: 'ok', problems: [] });
  });

  it('tell of a storage that fails', async () => {
    const error = new StorageError('The disk is full.', { code: 'storage_full' });
    const client = open({ storage: storageWith(() => Promise.reject(error)) });
    const problem = {
      part: 'storage',
      code: 'storage_full',
      message: 'The disk is full.',
      severity: 'error',
    };
    expect(await client.health()).toEqual({ status: 'down', problems: [problem] });
    await expect(client.ready()).rejects.toBe(error);
  });

  it('tell of what is wrong with the queue', async () => {
    const warning = { code: 'redis_no_persistence', message: 'Switch AOF on.', severity: 'warning' } as const;
    const mild = open({ queue: queueWith(async () => [warning]) });
    expect(await mild.health()).toEqual({ status: 'degraded', problems: [{ part: 'queue', ...warning }] });
    expect(await mild.ready()).toMatchObject({ status: 'degraded' });
    const bad = open({ queue: queueWith(async () => [{ ...warning, severity: 'error' }]) });
    expect(await bad.health()).toMatchObject({ status: 'down' });
    await expect(bad.ready()).rejects.toMatchObject({
      name: 'QueueError',
      code: 'queue_misconfigured',
      message: 'Switch AOF on.',
    });
  });

  it('wait for a part no longer than two seconds', async () => {
    const clock = createFakeClock();
    const never = (): Promise<never> => new Promise(() => undefined);
    const audioStore = {
      capabilities: { shared: true, durable: true },
      put: never,
      open: never,
      delete: never,
      health: never,
    } satisfies AudioStore;
    const client = open({ clock, storage: storageWith(never), queue: queueWith(never), audioStore });
    const checking = client.health();
    await clock.advance(0);
    await client.jobs.list().catch(() => undefined);
    await clock.advance(2000);
    const { status, problems } = await checking;
    expect(status).toBe('down');
    expect(problems.map(({ code }) => code)).toEqual([
      'storage_timeout',
      'queue_timeout',
      'audioStore_timeout',
    ]);
  });

  it('reject for a client that is closed', async () => {
    const client = open({});
    await client.close();
    await expect(client.health()).rejects.toMatchObject({ code: 'client_closed' });
    await expect(client.ready()).rejects.toMatchObject({ code: 'client_closed' });
  });

  it.each<[string, Record<string, string>, string, 'error' | 'warning']>([
    [
      'drops keys when it is full',
      { appendonly: 'yes', 'maxmemory-policy': 'allkeys-lru' },
      'redis_eviction_policy',
      'error',
    ],
    ['keeps nothing on its disk', { appendonly: 'no' }, 'redis_no_persistence', 'warning'],
  ])('tell within a second of a Redis that %s', async (_, settings, code, severity) => {
    const redis = await startRedis(settings);
    cleanUps.push(() => redis.close());
    const client = open(await onRedis(redis));
    const startedAt = performance.now();
    const health = await client.health();
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(health.problems).toMatchObject([{ part: 'queue', code, severity }]);
    if (severity === 'error')
      await expect(client.ready()).rejects.toMatchObject({ code: 'queue_misconfigured' });
    else expect(await client.ready()).toMatchObject({ status: 'degraded' });
  });

  it('tell of a Redis that is down', async () => {
    const redis = await startRedis({ appendonly: 'yes' });
    cleanUps.push(() => redis.close());
    const client = open(await onRedis(redis));
    expect(await client.health()).toEqual({ status: 'ok', problems: [] });
    await redis.crash();
    expect(await client.health()).toMatchObject({ status: 'down', problems: [{ part: 'queue' }] });
    await expect(client.ready()).rejects.toMatchObject({ name: 'QueueError' });
  });
});

async function onRedis(redis: RedisServer) {
  const folder = await mkdtemp(join(tmpdir(), 'health-'));
  cleanUps.push(() => rm(folder, { recursive: true }));
  const storage = createSqliteStorage({ path: join(folder, 'records.db') });
  cleanUps.push(async () => storage.close?.());
  return { storage, queue: createBullmqQueue({ connection: redis.url }) };
}
