import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { createRedisLimits, type RedisLimitsOptions } from '../../src/adapters/redis/index.js';
import type { LimitsAdapter } from '../../src/contracts/limits.js';
import { startFaultProxy } from '../../src/testing/proxy/index.js';
import { buildScript } from '../support/script-process.js';
import { deafUser, KEY, newPrefix, outcomeWithin, take, takeAll, testRedis, until } from './redis-rig.js';

const rig = testRedis();
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function open(options: RedisLimitsOptions = {}): LimitsAdapter {
  const limits = createRedisLimits({ connection: rig.server.url, prefix: newPrefix(), ...options });
  cleanups.push(() => limits.close?.());
  return limits;
}

/** Resolves when Redis has so many connections besides that of the test. */
async function untilConnections(count: number): Promise<void> {
  await until(async () => {
    const list = (await rig.server.client.client('LIST')) as string;
    return list.split('\n').filter((line) => line.startsWith('id=')).length === count + 1;
  });
}

async function keysOf(prefix: string): Promise<string[]> {
  return (await rig.server.client.keys(`${prefix}:*`)).sort();
}

describe('a connection of the limits', () => {
  it('is shared where a client of ioredis is handed in, which stays open', async () => {
    const own = new Redis(rig.server.url);
    cleanups.push(() => own.disconnect());
    await own.ping();
    const limits = createRedisLimits({ connection: own, prefix: newPrefix() });
    (await take(limits)).release();
    await untilConnections(3);
    await limits.close?.();
    await untilConnections(1);
    expect(await own.ping()).toBe('PONG');
    expect(own.listenerCount('error')).toBe(0);
  });

  it('is made from options, with their prefix of keys, and ends with the limits', async () => {
    const { port, password } = new Redis(rig.server.url, { lazyConnect: true }).options;
    const connection = { host: '127.0.0.1', port, password, keyPrefix: 'mine:' };
    const prefix = newPrefix();
    const [first, second] = [
      open({ connection, prefix, maxConcurrent: 1 }),
      open({ connection, prefix, maxConcurrent: 1 }),
    ];
    const lease = await take(first);
    const waiting = take(second);
    await until(async () => (await rig.server.client.pubsub('NUMSUB', ...(await lines())))[1] === 2);
    lease.release();
    await waiting;
    expect((await keysOf(`mine:${prefix}`)).length).toBeGreaterThan(0);
    expect(await keysOf(prefix)).toEqual([]);
    await Promise.all([first.close?.(), second.close?.()]);
    await untilConnections(0);

    async function lines(): Promise<string[]> {
      return (await rig.server.client.pubsub('CHANNELS', `mine:${prefix}:*`)) as string[];
    }
  });

  it('is asked once for a place that is free, and once to take it back', async () => {
    const limits = open();
    (await take(limits)).release();
    const commands: string[] = [];
    const monitor = await rig.server.client.monitor();
    cleanups.push(() => monitor.disconnect());
    monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
      if (source !== 'lua') commands.push(command.toLowerCase());
    });
    const lease = await take(limits);
    lease.release();
    await until(() => commands.length >= 2);
    await rig.server.client.ping();
    await until(() => commands.includes('ping'));
    expect(commands).toEqual(['evalsha', 'evalsha', 'ping']);
  });

  it('need not hear of places that come free, and does not lose its turn by that', async () => {
    const prefix = newPrefix();
    const deaf = open({ connection: await deafUser(rig.server), prefix, maxConcurrent: 1 });
    const other = open({ prefix, maxConcurrent: 1 });
    for (let round = 0; round < 3; round++) {
      const lease = await take(other);
      const waiting = take(deaf);
      expect(await outcomeWithin(waiting, 50)).toBe('nothing');
      lease.release();
      // Asks at once, while the deaf one asks every 200 ms.
      const again = take(other);
      const first = await Promise.race([waiting.then(() => 'deaf'), again.then(() => 'other')]);
      expect(first).toBe('deaf');
      expect((await waiting).waitedMs).toBeLessThan(1000);
      (await waiting).release();
      (await again).release();
    }
  });

  it('honours an abort while the answer is on its way, and gives the place back', async () => {
    const proxy = await startFaultProxy({ target: rig.server.url });
    cleanups.push(() => proxy.close());
    const prefix = newPrefix();
    const far = open({ connection: proxy.url, prefix, maxConcurrent: 2, requestsPerMinute: 5 });
    const near = open({ prefix, maxConcurrent: 2, requestsPerMinute: 5 });
    (await take(far)).release();
    proxy.set({ down: { latencyMs: 300 } });
    const controller = new AbortController();
    const aborted = take(far, { signal: controller.signal });
    await until(async () => (await rig.server.client.zcard(`${await heldOf(prefix)}`)) === 1);
    controller.abort();
    expect(await outcomeWithin(aborted, 100)).toMatchObject({ name: 'AbortedError', code: 'aborted' });
    // Neither a place nor a start is lost: one start was used before.
    const leases = await takeAll(near, 2);
    for (const lease of leases) lease.release();
    expect(await outcomeWithin(takeAll(near, 2), 2000)).toHaveLength(2);
  });

  async function heldOf(prefix: string): Promise<string> {
    return (await keysOf(prefix)).find((key) => key.endsWith(':held')) ?? `${prefix}:none`;
  }

  it('leaves keys that expire, with nothing of the key in their names', async () => {
    const prefix = newPrefix();
    const limits = open({ prefix, requestsPerMinute: 10, maxConcurrent: 1 });
    await take(limits, { key: { ...KEY, project: 'canary-project' } });
    const controller = new AbortController();
    const waiting = take(limits, { key: { ...KEY, project: 'canary-project' }, signal: controller.signal });
    expect(await outcomeWithin(waiting, 50)).toBe('nothing');
    const keys = await keysOf(prefix);
    expect(keys.map((key) => key.split(':').at(-1))).toEqual(['epoch', 'held', 'line', 'seen', 'starts']);
    for (const key of keys) {
      expect(key).not.toContain('canary');
      expect(key).toMatch(/\{[\w-]+\}/);
      const ttl = await rig.server.client.pttl(key);
      expect(ttl).toBeGreaterThan(60_000);
      expect(ttl).toBeLessThan(300_000);
    }
    controller.abort();
    await waiting.catch(() => undefined);
    await until(async () => (await keysOf(prefix)).every((key) => !key.endsWith(':line')));
  });

  it('keeps a place for longer than a lease', async () => {
    const prefix = newPrefix();
    const [first, second] = [0, 1].map(() => open({ prefix, maxConcurrent: 1, leaseMs: 500 }));
    const lease = await take(first as LimitsAdapter);
    const waiting = take(second as LimitsAdapter);
    expect(await outcomeWithin(waiting, 1200)).toBe('nothing');
    lease.release();
    expect(await outcomeWithin(waiting, 1000)).toHaveProperty('waitedMs');
  });

  it('does not use a place that was given to it before it was stopped', async () => {
    const prefix = newPrefix();
    const limits = open({ prefix, leaseMs: 500, whenUnavailable: 'reject' });
    (await take(limits)).release();
    const taken = take(limits);
    // The question leaves; its answer is there long before anybody reads it.
    await new Promise((resolve) => setImmediate(resolve));
    for (const until = performance.now() + 700; performance.now() < until; );
    await taken;
    const held = await rig.server.client.zrangebyscore(await heldOf(prefix), '-inf', '+inf');
    expect(held).toHaveLength(1);
    expect(Number(await rig.server.client.zscore(await heldOf(prefix), held[0] ?? ''))).toBeGreaterThan(
      Date.now(),
    );
    expect(held[0]).toMatch(/:3$/);
  });

  it('refuses those who wait when it is closed, and those who come later', async () => {
    const prefix = newPrefix();
    const limits = open({ prefix, maxConcurrent: 1 });
    const lease = await take(limits);
    const waiting = take(limits);
    expect(await outcomeWithin(waiting, 50)).toBe('nothing');
    await limits.close?.();
    expect(await outcomeWithin(waiting, 0)).toMatchObject({ code: 'client_closed' });
    await expect(take(limits)).rejects.toMatchObject({ code: 'client_closed' });
    lease.release();
    // What still runs counts until its lease ends.
    expect((await keysOf(prefix)).map((key) => key.split(':').at(-1))).toEqual(['epoch', 'held']);
  });
});

describe('the options of the limits', () => {
  it('refuse who has to wait where nobody may', async () => {
    const limits = open({ maxConcurrent: 2, maxWaiting: 0 });
    await takeAll(limits, 2);
    await expect(take(limits)).rejects.toMatchObject({ name: 'RateLimitError', code: 'too_many_waiting' });
  });

  it.each<[string, unknown, RegExp]>([
    ['no connection', {}, /either connection or cluster/],
    ['two connections', { connection: 'redis://localhost', cluster: { nodes: [1] } }, /either/],
    ['another URL', { connection: 'https://user:canary@host' }, /redis:\/\/ or rediss:\/\//],
    ['an object that is no client', { connection: new (class Thing {})() }, /connection.*methods/],
    ['a cluster without nodes', { cluster: { nodes: [] } }, /cluster\.nodes/],
    ['an unknown option', { connection: 'redis://localhost', maxConcurent: 3 }, /Did you mean maxConcurrent/],
    ['a prefix with a brace', { connection: 'redis://localhost', prefix: 'a{b' }, /prefix/],
    ['no place', { connection: 'redis://localhost', maxConcurrent: 0 }, /maxConcurrent/],
    ['a short lease', { connection: 'redis://localhost', leaseMs: 10 }, /leaseMs/],
    ['another mode', { connection: 'redis://localhost', whenUnavailable: 'wait' }, /'reject' or 'local'/],
    ['no clock', { connection: 'redis://localhost', clock: {} }, /clock/],
  ])('are checked: %s', (_what, options, message) => {
    expect(() => createRedisLimits(options as RedisLimitsOptions)).toThrow(message);
    expect(() => createRedisLimits(options as RedisLimitsOptions)).not.toThrow(/canary/);
  });
});

describe('the package ioredis', () => {
  it('is named where it is not installed', async () => {
    const script = await buildScript(new URL('./redis-limits-process.ts', import.meta.url), {
      packages: false,
    });
    cleanups.push(() => script.dispose());
    const options = {
      limits: { connection: 'redis://127.0.0.1:1' },
      windowMs: 60_000,
      wallShiftMs: 0,
      target: '',
    };
    const child = script.start(JSON.stringify(options));
    child.tell('take 1');
    await expect(child.finished()).rejects.toThrow(/ioredis is not installed. Run npm install ioredis/);
  });
});
