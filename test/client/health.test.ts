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
import { createFakeClock, type DeepgramEmulator, startDeepgramEmulator } from 'transcription-client/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import { StorageError } from '../../src/errors/index.js';
import { failureOf } from '../support/client.js';
import { refusedUrl, startAnswering, startTcpServer } from '../support/fault-server.js';
import { shown } from '../support/leaks.js';
import { type RedisServer, startRedis } from '../support/redis-server.mjs';

const clients: TranscriptionClient[] = [];
const cleanUps: (() => Promise<unknown>)[] = [];

let emulator: DeepgramEmulator;

beforeAll(async () => {
  emulator = await startDeepgramEmulator();
});

afterAll(() => emulator.close());

function open(options: ConstructorParameters<typeof TranscriptionClient>[0]): TranscriptionClient {
  const regions = [{ name: 'here', endpoint: emulator.url }];
  const client = new TranscriptionClient({ apiKey: 'test', regions, ...options });
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

function audioStoreWith(health: () => Promise<void>): AudioStore {
  const never = (): Promise<never> => new Promise(() => undefined);
  return { capabilities: { shared: true, durable: true }, put: never, open: never, delete: never, health };
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
    const latencyMs = expect.any(Number);
    const expected = {
      status: 'ok',
      problems: [],
      checks: [
        { name: 'storage', state: 'ok', latencyMs },
        { name: 'queue', state: 'ok', latencyMs },
        { name: 'deepgram', region: 'here', state: 'ok', latencyMs },
      ],
    };
    expect(await client.health()).toEqual(expected);
    expect(await client.ready()).toEqual(expected);
  });

  it('say which parts nobody can ask', async () => {
    const { health: _health, ...audioStore } = audioStoreWith(async () => undefined);
    const client = open({ audioStore });
    const { status, checks } = await client.health();
    expect(status).toBe('ok');
    expect(checks.map(({ name, state }) => [name, state])).toEqual([
      ['storage', 'ok'],
      ['queue', 'ok'],
      ['audioStore', 'unknown'],
      ['deepgram', 'ok'],
    ]);
  });

  it.each([
    ['hangs', () => new Promise<never>(() => undefined), 'storage_timeout', 'queue_timeout'],
    ['fails', () => Promise.reject(new Error('gone')), 'storage_failed', 'internal'],
  ] as const)(
    'read a storage and count a queue that cannot say how they are: it %s',
    async (_what, broken, ...codes) => {
      const clock = createFakeClock();
      const { health: _health, ...storage } = { ...createMemoryStorage(), get: broken };
      const queue = { ...queueWith(undefined), depth: broken };
      const client = open({ clock, storage, queue });
      await client.warmUp();
      const checking = client.health();
      await clock.advance(0);
      await clock.advance(2000);
      const { status, problems } = await checking;
      expect(status).toBe('down');
      const ownProblems = problems.filter(({ part }) => part !== 'deepgram');
      expect(ownProblems.map(({ code }) => code)).toEqual(codes);
    },
  );

  it('do not ask again an audio store that was well a moment ago', async () => {
    const clock = createFakeClock();
    let isBroken = false;
    const health = vi.fn(async () => {
      if (isBroken) throw new Error('gone');
    });
    const client = open({ clock, audioStore: audioStoreWith(health) });
    const statusOf = async (): Promise<string> => (await client.health()).status;
    expect(await Promise.all([statusOf(), statusOf()])).toEqual(['ok', 'ok']);
    await clock.advance(9999);
    expect(await statusOf()).toBe('ok');
    expect(health).toHaveBeenCalledTimes(1);
    isBroken = true;
    await clock.advance(1);
    expect([await statusOf(), await statusOf()]).toEqual(['down', 'down']);
    isBroken = false;
    expect(await statusOf()).toBe('ok');
    expect(health).toHaveBeenCalledTimes(4);
  });

  it('tell how long each part took', async () => {
    const clock = createFakeClock();
    let answer = (): void => undefined;
    const health = (): Promise<void> =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const client = open({ clock, storage: storageWith(health) });
    await client.warmUp();
    const checking = client.health();
    await clock.advance(0);
    await clock.advance(120);
    answer();
    const { checks } = await checking;
    expect(checks.find(({ name }) => name === 'storage')).toEqual({
      name: 'storage',
      state: 'ok',
      latencyMs: 120,
    });
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
    expect(await client.health()).toMatchObject({
      status: 'down',
      problems: [problem],
      checks: [{ name: 'storage', state: 'down' }, { name: 'queue', state: 'ok' }, { name: 'deepgram' }],
    });
    await expect(client.ready()).rejects.toBe(error);
  });

  it('tell of what is wrong with the queue', async () => {
    const warning = { code: 'redis_no_persistence', message: 'Switch AOF on.', severity: 'warning' } as const;
    const mild = open({ queue: queueWith(async () => [warning]) });
    expect(await mild.health()).toMatchObject({
      status: 'degraded',
      problems: [{ part: 'queue', ...warning }],
      checks: [{ state: 'ok' }, { name: 'queue', state: 'degraded' }, { state: 'ok' }],
    });
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
    await using silent = await startTcpServer(() => undefined);
    const client = open({
      clock,
      regions: [{ name: 'silent', endpoint: silent.url }],
      storage: storageWith(never),
      queue: queueWith(never),
      audioStore: audioStoreWith(never),
    });
    const checking = client.health();
    await clock.advance(0);
    await client.jobs.list().catch(() => undefined);
    await clock.advance(2000);
    const { status, problems, checks } = await checking;
    expect(status).toBe('down');
    expect(checks.map(({ state, latencyMs }) => [state, latencyMs])).toEqual(Array(4).fill(['down', 2000]));
    expect(problems.map(({ code }) => code)).toEqual([
      'storage_timeout',
      'queue_timeout',
      'audioStore_timeout',
      'deepgram_timeout',
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
    // Loading the packages is no part of the check.
    await client.jobs.depth();
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
    expect(await client.health()).toMatchObject({ status: 'ok', problems: [] });
    await redis.crash();
    expect(await client.health()).toMatchObject({ status: 'down', problems: [{ part: 'queue' }] });
    await expect(client.ready()).rejects.toMatchObject({ name: 'QueueError' });
  });
});

describe('health() of Deepgram', () => {
  it('is a warning where a region cannot be reached, and never keeps the client from being ready', async () => {
    const regions = [
      { name: 'near', endpoint: emulator.url },
      { name: 'far', endpoint: await refusedUrl() },
    ];
    const client = open({ regions });
    const health = await client.health();
    expect(health).toMatchObject({
      status: 'degraded',
      problems: [{ part: 'deepgram', code: 'deepgram_unreachable', severity: 'warning' }],
      checks: [{}, {}, { region: 'near', state: 'ok' }, { region: 'far', state: 'down' }],
    });
    expect(health.problems[0]?.message).toMatch(/region far .*ECONNREFUSED.*Check the network/);
    expect(await client.ready()).toMatchObject({ status: 'degraded' });
  });

  it.each([200, 401, 404])('takes an answer of %i for a sign of life', async (status) => {
    await using server = await startAnswering({ status, body: 'no JSON' });
    const client = open({ regions: [{ name: 'here', endpoint: server.url }] });
    expect(await client.health()).toMatchObject({
      status: 'ok',
      checks: [{}, {}, { name: 'deepgram', state: 'ok' }],
    });
  });

  it.each([500, 503])('is a warning where a region answers with %i', async (status) => {
    await using server = await startAnswering({ status });
    const client = open({ regions: [{ name: 'here', endpoint: server.url }] });
    expect(await client.health()).toMatchObject({
      status: 'degraded',
      problems: [{ part: 'deepgram', code: 'deepgram_failing', severity: 'warning' }],
      checks: [{}, {}, { name: 'deepgram', state: 'degraded' }],
    });
  });

  it('needs no credentials and sends none', async () => {
    await using server = await startAnswering({ status: 200 });
    const apiKey = (): Promise<string> => Promise.reject(new Error('no key'));
    const client = open({ apiKey, regions: [{ name: 'here', endpoint: server.url }] });
    expect(await client.health()).toMatchObject({ status: 'ok' });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('looks once in 10 seconds, at an endpoint that regions share too, and at failures', async () => {
    await using server = await startAnswering({ status: 200 });
    await using broken = await startTcpServer((socket) => socket.destroy());
    const clock = createFakeClock();
    const client = open({
      clock,
      regions: [
        { name: 'one', endpoint: server.url },
        { name: 'two', endpoint: server.url },
        { name: 'three', endpoint: broken.url },
      ],
    });
    const all = await Promise.all([client.health(), client.ready(), client.health()]);
    expect(all.map(({ checks }) => checks.slice(-3).map(({ state }) => state))).toEqual(
      Array(3).fill(['ok', 'ok', 'down']),
    );
    await clock.advance(9_999);
    await client.health();
    expect(server.requests).toHaveLength(1);
    await clock.advance(1);
    await client.health();
    expect(server.requests).toHaveLength(2);
  });

  it('finds a region that is back', async () => {
    let isBack = false;
    await using server = await startTcpServer((socket) => {
      if (!isBack) socket.destroy();
      else socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    });
    const clock = createFakeClock();
    const client = open({ clock, regions: [{ name: 'here', endpoint: server.url }] });
    // No call can succeed.
    expect((await client.health()).status).toBe('down');
    expect((await failureOf(client.ready())).code).toBe('network');
    isBack = true;
    await clock.advance(10_000);
    expect((await client.health()).status).toBe('ok');
  });

  it('does not keep a client waiting that is closed', async () => {
    await using silent = await startTcpServer((socket) => void socket.resume());
    const client = open({ regions: [{ name: 'here', endpoint: silent.url }] });
    const checking = client.health();
    checking.catch(() => undefined);
    await expect.poll(() => silent.connections()).toBe(1);
    const closedAt = performance.now();
    await client.close({ timeoutMs: 0 });
    await expect(checking).rejects.toMatchObject({ code: 'client_closed' });
    expect(performance.now() - closedAt).toBeLessThan(1000);
    await expect.poll(() => silent.connections()).toBe(0);
  });

  it('shows no address and no key', async () => {
    const endpoint = `${await refusedUrl()}/CANARY-path`;
    const client = open({ apiKey: 'CANARY-key', regions: [{ name: 'here', endpoint }] });
    const health = await client.health();
    expect(health.problems).toHaveLength(1);
    expect(shown(health)).not.toMatch(/CANARY|127\.0\.0\.1/);
  });
});

async function onRedis(redis: RedisServer) {
  const folder = await mkdtemp(join(tmpdir(), 'health-'));
  cleanUps.push(() => rm(folder, { recursive: true }));
  const storage = createSqliteStorage({ path: join(folder, 'records.db') });
  cleanUps.push(async () => storage.close?.());
  return { storage, queue: createBullmqQueue({ connection: redis.url }) };
}
