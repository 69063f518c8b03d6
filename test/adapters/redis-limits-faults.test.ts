import { afterEach, describe, expect, it } from 'vitest';
import { createRedisLimits, type RedisLimitsOptions } from '../../src/adapters/redis/index.js';
import type { LimitLease, LimitsAdapter } from '../../src/contracts/limits.js';
import { startFaultProxy } from '../../src/testing/proxy/index.js';
import { deafUser, newPrefix, outcomeWithin, take, takeAll, testRedis, until } from './redis-rig.js';

const rig = testRedis();
const PLACES = 6;
/** How long an answer may take, in these tests. */
const PATIENCE_MS = 300;
const RECOVERY_MS = 2000;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function open(options: RedisLimitsOptions): LimitsAdapter {
  const limits = createRedisLimits({
    connection: rig.server.url,
    maxConcurrent: PLACES,
    commandTimeoutMs: PATIENCE_MS,
    ...options,
  });
  cleanups.push(() => limits.close?.());
  return limits;
}

async function openProxy() {
  const proxy = await startFaultProxy({ target: rig.server.url });
  cleanups.push(() => proxy.close());
  return proxy;
}

/** Two that know of each other, and hold nothing. */
async function openTwo(options: RedisLimitsOptions = {}): Promise<[LimitsAdapter, LimitsAdapter]> {
  const prefix = newPrefix();
  const two: [LimitsAdapter, LimitsAdapter] = [open({ prefix, ...options }), open({ prefix, ...options })];
  for (const limits of [...two, ...two]) (await take(limits)).release();
  return two;
}

/** How many places can be had, of more than there are. */
async function countPlaces(limits: LimitsAdapter, withinMs: number): Promise<LimitLease[]> {
  const controller = new AbortController();
  const leases: LimitLease[] = [];
  const asks = Array.from({ length: PLACES + 2 }, () =>
    take(limits, { signal: controller.signal }).then(
      (lease) => void leases.push(lease),
      () => undefined,
    ),
  );
  await outcomeWithin(
    until(() => leases.length > PLACES, withinMs),
    withinMs,
  );
  controller.abort();
  await Promise.all(asks);
  return leases;
}

function release(leases: readonly LimitLease[]): void {
  for (const lease of leases) lease.release();
}

/** The share of a process is not the whole: as long as more can be had than that, Redis is asked again. */
async function expectShared(limits: LimitsAdapter): Promise<void> {
  const leases: LimitLease[] = [];
  for (let index = 0; index < PLACES; index++) leases.push(await take(limits));
  release(leases);
}

interface Outage {
  begin(): unknown;
  end(): unknown;
}

const OUTAGES: Readonly<Record<string, Outage>> = {
  'is gone': { begin: () => rig.server.crash(), end: () => rig.server.start() },
  'does not answer': { begin: () => rig.server.freeze(), end: () => rig.server.thaw() },
};

/** Ends with the test at the latest. Resolves to the way to end it. */
async function begin(outage: Outage): Promise<() => Promise<void>> {
  let isOver = false;
  const end = async (): Promise<void> => {
    if (isOver) return;
    isOver = true;
    await outage.end();
  };
  cleanups.push(end);
  await outage.begin();
  return end;
}

/** Fails where a place can be had. */
async function expectNone(limits: LimitsAdapter): Promise<void> {
  const controller = new AbortController();
  const outcome = await outcomeWithin(take(limits, { signal: controller.signal }), 400);
  controller.abort();
  expect(outcome).toBe('nothing');
}

describe.each(Object.entries(OUTAGES))('where Redis %s', (_name, outage) => {
  it('local limits give each process its share, and the places are shared again soon after', async () => {
    const [first, second] = await openTwo();
    const end = await begin(outage);
    const one = await outcomeWithin(take(first), PATIENCE_MS + 500);
    expect(one).toMatchObject({ waitedMs: expect.any(Number) });
    const leases = [one as LimitLease, ...(await takeAll(first, 2)), ...(await takeAll(second, 3))];
    // The next one has to wait, in either.
    for (const limits of [first, second]) await expectNone(limits);
    await end();
    const endedAt = performance.now();
    release(leases);
    await expectShared(first);
    expect(performance.now() - endedAt).toBeLessThan(RECOVERY_MS);
  });

  it('limits that refuse do so in time, and give places again soon after', async () => {
    const limits = open({ prefix: newPrefix(), whenUnavailable: 'reject' });
    const held = await take(limits);
    const end = await begin(outage);
    const startedAt = performance.now();
    const error = await outcomeWithin(take(limits), PATIENCE_MS + 500);
    expect(error).toMatchObject({ name: 'NetworkError', code: 'network', retryable: true });
    await until(() => performance.now() - startedAt > PATIENCE_MS);
    const again = performance.now();
    expect(await outcomeWithin(take(limits), PATIENCE_MS)).toMatchObject({ code: 'network' });
    expect(performance.now() - again).toBeLessThan(PATIENCE_MS / 2);
    // Is told to Redis when it is back.
    held.release();
    await end();
    const tookMs = await until(async () => !((await take(limits).catch((e: Error) => e)) instanceof Error));
    expect(tookMs).toBeLessThan(RECOVERY_MS);
    // One was taken just now.
    expect(await countPlaces(limits, 1500)).toHaveLength(PLACES - 1);
  });
});

describe('limits through Redis', () => {
  it('begin without Redis, with a tenth', async () => {
    const end = await begin(OUTAGES['is gone'] as Outage);
    const limits = open({ prefix: newPrefix(), maxConcurrent: 30 });
    const startedAt = performance.now();
    await takeAll(limits, 3);
    expect(performance.now() - startedAt).toBeLessThan(2 * PATIENCE_MS);
    const waiting = take(limits);
    expect(await outcomeWithin(waiting, 300)).toBe('nothing');
    await end();
    expect(await outcomeWithin(waiting, RECOVERY_MS)).toHaveProperty('waitedMs');
  });

  it('tell a Redis that is back what they gave without it', async () => {
    const [first, second] = await openTwo({ maxConcurrent: PLACES, requestsPerMinute: 100 });
    const end = await begin(OUTAGES['is gone'] as Outage);
    const leases = await takeAll(first, 3);
    await end();
    await until(async () => (await rig.server.client.zcard(await keyOf('held'))) === 3, RECOVERY_MS);
    // Four in the beginning, two of each process.
    await until(async () => (await rig.server.client.zcard(await keyOf('starts'))) === 4 + 3, RECOVERY_MS);
    const others = await countPlaces(second, 1500);
    expect(others).toHaveLength(PLACES - leases.length);
  });

  it('come through a network that swallows everything', async () => {
    const proxy = await openProxy();
    const limits = open({ connection: proxy.url, prefix: newPrefix(), whenUnavailable: 'reject' });
    (await take(limits)).release();
    proxy.set({ up: { blackhole: true }, down: { blackhole: true } });
    expect(await outcomeWithin(take(limits), PATIENCE_MS + 500)).toMatchObject({ code: 'network' });
    proxy.heal();
    const tookMs = await until(async () => !((await take(limits).catch((e: Error) => e)) instanceof Error));
    expect(tookMs).toBeLessThan(RECOVERY_MS);
  });

  it('do not lose places with the answers that gave them', async () => {
    const proxy = await openProxy();
    const limits = open({ connection: proxy.url, prefix: newPrefix() });
    (await take(limits)).release();
    proxy.set({ dropReplies: 1 });
    const leases = await countPlaces(limits, 2000);
    expect(leases).toHaveLength(PLACES);
    release(leases);
    expect(await countPlaces(limits, 1000)).toHaveLength(PLACES);
  });

  it('refuse nobody where a connection breaks', async () => {
    const proxy = await openProxy();
    const limits = open({ connection: proxy.url, prefix: newPrefix(), whenUnavailable: 'reject' });
    const leases = await takeAll(limits, PLACES);
    const waiting = takeAll(limits, 3);
    for (let round = 0; round < 3; round++) {
      proxy.reset();
      leases.pop()?.release();
      await until(async () => proxy.connections.live > 0);
    }
    expect(await outcomeWithin(waiting, 2000)).toHaveLength(3);
  });

  it('notice that Redis has lost everything, and wait for all to have told again', async () => {
    const prefix = newPrefix();
    const leaseMs = 1200;
    // This one finds out when it renews.
    const deaf = open({ connection: await deafUser(rig.server), prefix, leaseMs });
    const other = open({ prefix, leaseMs });
    const leases = [...(await takeAll(deaf, 3)), ...(await takeAll(other, 2))];
    await rig.server.client.flushall();
    expect(await countPlaces(other, 2500)).toHaveLength(PLACES - leases.length);
  });

  it('give the places of a lease from the future back in time', async () => {
    const prefix = newPrefix();
    const limits = open({ prefix, leaseMs: 1000 });
    (await take(limits)).release();
    const held = (await keyOf('seen')).replace('seen', 'held');
    const later = Date.now() + 3_600_000;
    for (let index = 0; index < PLACES; index++) await rig.server.client.zadd(held, later, `gone:${index}`);
    await expectNone(limits);
    expect(await countPlaces(limits, 1500)).toHaveLength(PLACES);
  });

  /** Of the pool that was made last. */
  async function keyOf(name: string): Promise<string> {
    const keys = await rig.server.client.keys(`*:${name}`);
    const latest = (key: string): number => Number(/^test-(\d+):/.exec(key)?.[1]);
    return keys.sort((a, b) => latest(b) - latest(a))[0] ?? '';
  }
});
