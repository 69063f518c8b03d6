import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RedisLimitsOptions } from '../../src/adapters/redis/options.js';
import { buildScript, type Script, type ScriptProcess } from '../support/script-process.js';
import type { LimitsProcessOptions } from './redis-limits-process.js';
import {
  type CountingServer,
  mostWithin,
  newPrefix,
  startCountingServer,
  testRedis,
  until,
} from './redis-rig.js';

const rig = testRedis();
const HOUR_MS = 3_600_000;
const PLACES = 6;
const WORK_MS = 200;
const LEASE_MS = 1000;

let script: Script;
let target: CountingServer;
const processes: ScriptProcess[] = [];

beforeAll(async () => {
  script = await buildScript(new URL('./redis-limits-process.ts', import.meta.url));
}, 60_000);

afterEach(async () => {
  await Promise.all(processes.splice(0).map((child) => child.kill()));
  await target?.close();
});

afterAll(() => script.dispose());

interface Started extends ScriptProcess {
  readonly pid: number;
}

/** Processes that share limits. The wall clocks of the second and third are an hour off. */
async function start(
  count: number,
  limits: Partial<RedisLimitsOptions>,
  { workMs = WORK_MS, windowMs = 60_000 } = {},
): Promise<readonly Started[]> {
  target = await startCountingServer(workMs);
  const prefix = newPrefix();
  const shifts = [0, HOUR_MS, -HOUR_MS];
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const options: LimitsProcessOptions = {
        limits: { connection: rig.server.url, prefix, maxConcurrent: PLACES, ...limits },
        windowMs,
        wallShiftMs: shifts[index] ?? 0,
        target: target.url,
      };
      const child = script.start(JSON.stringify(options));
      processes.push(child);
      await until(() => child.lines.length > 0);
      return Object.assign(child, { pid: Number(child.lines[0]?.split(' ')[1]) });
    }),
  );
}

async function stop(children: readonly ScriptProcess[]): Promise<void> {
  for (const child of children) child.tell('stop');
  await Promise.all(children.map((child) => child.finished()));
}

function servedBy(child: Started): number {
  return target.served.get(String(child.pid)) ?? 0;
}

async function utilization(ms: number): Promise<number> {
  const [before, startedAt] = [target.busyMs(), performance.now()];
  await until(() => performance.now() - startedAt >= ms);
  return (target.busyMs() - before) / (performance.now() - startedAt) / PLACES;
}

describe('limits of three processes through Redis', () => {
  it('are never exceeded, are used in full, and leave nobody out, whatever the wall clocks say', async () => {
    const children = await start(3, {});
    const [busy, other, modest] = children as [Started, Started, Started];
    busy.tell('load 20');
    other.tell('load 20');
    modest.tell('load 1');
    await until(() => target.inFlight === PLACES);
    // Another load of the machine may spoil one stretch.
    const used: number[] = [];
    while (used.length < 5 && Math.max(0, ...used) < 0.95) used.push(await utilization(1500));
    expect(Math.max(...used), `used ${used}`).toBeGreaterThanOrEqual(0.95);
    expect(target.mostInFlight).toBe(PLACES);
    // Its only caller always has a place or the next turn.
    const rounds = target.arrivals.length / PLACES;
    expect(servedBy(modest)).toBeGreaterThan(rounds / 3);
    expect(Math.min(servedBy(busy), servedBy(other))).toBeGreaterThan(rounds);
    await stop(children);
    expect(target.mostInFlight).toBe(PLACES);
  }, 30_000);

  it('let no rolling window have more starts than it may', async () => {
    const windowMs = 1500;
    const perWindow = 20;
    const starts: number[] = [];
    const monitor = await rig.server.client.monitor();
    monitor.on('monitor', (_time: string, [command = '', key = '', score = '']: string[]) => {
      if (command.toUpperCase() === 'ZADD' && key.endsWith(':starts')) starts.push(Number(score));
    });
    try {
      const limits = { maxConcurrent: 100, requestsPerMinute: perWindow };
      const children = await start(3, limits, { workMs: 20, windowMs });
      for (const child of children) child.tell('load 10');
      await until(() => starts.length >= 4 * perWindow);
      await stop(children);
      expect(mostWithin(starts, windowMs)).toBe(perWindow);
      // It may take a request longer than a later one to get to the server.
      expect(mostWithin(target.arrivals, windowMs - 200)).toBeLessThanOrEqual(perWindow);
    } finally {
      monitor.disconnect();
    }
  }, 30_000);

  it('get the places of a process that was killed when its leases end', async () => {
    const [killed, other] = (await start(2, { leaseMs: LEASE_MS })) as [Started, Started];
    killed.tell(`take ${PLACES}`);
    await killed.printed(`took ${PLACES}`);
    other.tell(`take ${PLACES}`);
    await killed.kill();
    const tookMs = await until(() => other.lines.includes(`took ${PLACES}`));
    // The last renewal may have been a third of a lease ago.
    expect(tookMs).toBeGreaterThan(LEASE_MS / 2);
    expect(tookMs).toBeLessThan(LEASE_MS + 1000);
    await stop([other]);
  }, 30_000);

  it('stay within their cap where one is killed under load', async () => {
    const [killed, ...others] = (await start(3, { leaseMs: LEASE_MS })) as [Started, Started, Started];
    for (const child of [killed, ...others]) child.tell('load 10');
    await until(() => servedBy(killed) > 5);
    await killed.kill();
    const servedThen = target.arrivals.length;
    await until(() => target.arrivals.length > servedThen + 5 * PLACES);
    await until(() => target.inFlight === PLACES);
    await stop(others);
    expect(target.mostInFlight).toBe(PLACES);
  }, 30_000);

  it('are kept over a stop that is longer than a lease', async () => {
    const children = await start(2, { leaseMs: LEASE_MS });
    const [stopped, other] = children as [Started, Started];
    for (const child of children) child.tell('load 10');
    await until(() => servedBy(stopped) > 5);
    // Every place is at work: a process that stands still between its place and its request sends it afterwards, which
    // no limit can know of.
    await until(() => target.inFlight === PLACES);
    process.kill(stopped.pid, 'SIGSTOP');
    const stoppedAt = performance.now();
    await until(() => performance.now() - stoppedAt > 2 * LEASE_MS);
    await until(() => target.inFlight === PLACES);
    process.kill(stopped.pid, 'SIGCONT');
    const before = servedBy(stopped);
    await until(() => servedBy(stopped) > before + 2 * PLACES);
    await stop(children);
    expect(servedBy(other)).toBeGreaterThan(0);
    expect(target.mostInFlight).toBe(PLACES);
  }, 30_000);
});
