import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll } from 'vitest';
import type { LimitKey, LimitLease, LimitsAdapter } from '../../src/contracts/limits.js';
import { type RedisServer, startRedis } from '../support/redis-server.mjs';

export const KEY: LimitKey = { project: 'project', endpoint: 'endpoint', mode: 'sync' };

/** A Redis for the tests of a file. */
export function testRedis(): { readonly server: RedisServer } {
  let server: RedisServer | undefined;
  beforeAll(async () => {
    server = await startRedis();
  }, 60_000);
  afterAll(() => server?.close(), 60_000);
  return {
    get server() {
      if (server === undefined) throw new Error('Redis has not been started yet');
      return server;
    },
  };
}

/** The URL of a user who may not listen to anything. */
export async function deafUser({ client, port }: RedisServer): Promise<string> {
  await client.call('ACL', 'SETUSER', 'deaf', 'on', '>deaf', '~*', '+@all', 'resetchannels');
  return `redis://deaf:deaf@127.0.0.1:${port}`;
}

let prefixes = 0;

/** Limits that no other test shares. */
export function newPrefix(): string {
  prefixes += 1;
  return `test-${prefixes}`;
}

export function take(
  limits: LimitsAdapter,
  { key = KEY, priority = 0, signal = new AbortController().signal }: Partial<Take> = {},
): Promise<LimitLease> {
  return limits.acquire(key, { priority, signal });
}

interface Take {
  readonly key: LimitKey;
  readonly priority: number;
  readonly signal: AbortSignal;
}

export async function takeAll(limits: LimitsAdapter, count: number): Promise<LimitLease[]> {
  return Promise.all(Array.from({ length: count }, () => take(limits)));
}

/** The milliseconds until the condition holds. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<number> {
  const startedAt = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedAt > withinMs) throw new Error(`Not within ${withinMs} ms: ${holds}`);
    await sleep(5);
  }
  return performance.now() - startedAt;
}

/** What a promise came to within its time. */
export async function outcomeWithin<Value>(
  promise: Promise<Value>,
  withinMs: number,
): Promise<Value | Error | 'nothing'> {
  const controller = new AbortController();
  const outcome = promise.catch((error: Error) => error);
  const late = sleep(withinMs, 'nothing' as const, { signal: controller.signal }).catch(
    () => 'nothing' as const,
  );
  return Promise.race([outcome, late]).finally(() => controller.abort());
}

export interface CountingServer {
  readonly url: string;
  readonly inFlight: number;
  readonly mostInFlight: number;
  /** Milliseconds of all requests together, until now. */
  busyMs(): number;
  /** Of each process, by its id. */
  readonly served: ReadonlyMap<string, number>;
  readonly arrivals: readonly number[];
  close(): Promise<void>;
}

/**
 * A server that works for some time on each request, also where its client has gone, and counts what it works on.
 */
export async function startCountingServer(workMs: number): Promise<CountingServer> {
  let inFlight = 0;
  let mostInFlight = 0;
  let busy = 0;
  let changedAt = performance.now();
  const served = new Map<string, number>();
  const arrivals: number[] = [];
  const change = (by: number): void => {
    const now = performance.now();
    busy += inFlight * (now - changedAt);
    changedAt = now;
    inFlight += by;
    mostInFlight = Math.max(mostInFlight, inFlight);
  };
  const server = createServer((request, response) => {
    const by = request.url?.slice(1) ?? '';
    served.set(by, (served.get(by) ?? 0) + 1);
    arrivals.push(performance.now());
    change(1);
    setTimeout(() => {
      change(-1);
      response.end('done');
    }, workMs);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get inFlight() {
      return inFlight;
    },
    get mostInFlight() {
      return mostInFlight;
    },
    busyMs() {
      change(0);
      return busy;
    },
    served,
    arrivals,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The most that begin in any stretch of this length. */
export function mostWithin(times: readonly number[], stretchMs: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (let last = 0; last < sorted.length; last++) {
    while ((sorted[first] as number) <= (sorted[last] as number) - stretchMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
