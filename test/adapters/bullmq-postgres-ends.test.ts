import type { QueueAdapter } from 'transcription-client';
import { createBullmqPostgresQueue } from 'transcription-client/bullmq';
import { type FaultProxy, startFaultProxy } from 'transcription-client/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../support/postgres-server.mjs';
import { buildScript } from '../support/script-process.js';
import { DONE, entries, entry, recorder, sleep, succeeds, until } from './bullmq-rig.js';
import { openPool } from './postgres-rig.js';

let server: PostgresServer;
let url: string;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startPostgres({ fsync: 'off' });
  await import('bullmq');
}, 60_000);

beforeEach(async () => {
  url = await server.createDatabase();
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

afterAll(() => server.close(), 60_000);

type Options = Parameters<typeof createBullmqPostgresQueue>[0];

function open(options: Options = { connectionString: url }): QueueAdapter {
  const queue = createBullmqPostgresQueue({ lockDurationMs: 30_000, stalledIntervalMs: 1000, ...options });
  closing.push(() => queue.close());
  return queue;
}

async function way(): Promise<FaultProxy> {
  const proxy = await startFaultProxy({ target: url });
  closing.push(() => proxy.close());
  return proxy;
}

const BLACKHOLE = { up: { blackhole: true }, down: { blackhole: true } } as const;
const HEALED = { up: { blackhole: false }, down: { blackhole: false } } as const;
const LISTENER = { message: () => undefined, gap: () => undefined };

describe('a queue on a PostgreSQL that does not answer', () => {
  it('lets the process end after its close', { timeout: 60_000 }, async () => {
    const script = await buildScript(new URL('./bullmq-child.ts', import.meta.url));
    closing.push(async () => script.dispose());
    const proxy = await way();
    const queue = open();
    const child = script.start(proxy.url, 'transcription');
    closing.push(() => child.kill());
    await queue.add([entry('a')]);
    await child.printed('begun a');
    proxy.set(BLACKHOLE);
    child.tell('close');
    await child.printed('closed');
    const closedAt = performance.now();
    expect(await child.ended()).toBe(0);
    expect(performance.now() - closedAt).toBeLessThan(2000);
  });

  it('keeps no connection of a subscription that failed', { timeout: 30_000 }, async () => {
    const proxy = await way();
    const queue = open({ connectionString: proxy.url, commandTimeoutMs: 400, maxConnections: 4 });
    await Promise.all(Array.from({ length: 20 }, () => queue.depth()));
    proxy.set(BLACKHOLE);
    for (let attempt = 0; attempt < 5; attempt += 1)
      expect(await succeeds(Promise.resolve(queue.channel?.subscribe(LISTENER)))).toBe(false);
    proxy.set(HEALED);
    await until(() => succeeds(Promise.resolve(queue.channel?.subscribe(LISTENER))));
    await queue.close();
    await until(() => proxy.connections.live === 0, 3000);
  });

  it('hears of cancels again after its connections have died in silence', { timeout: 40_000 }, async () => {
    const proxy = await way();
    const worker = open({ connectionString: proxy.url });
    const other = open();
    const { handler, options, run } = recorder();
    worker.startWorker(handler, options(1));
    await other.add([entry('a')]);
    const { signal, end } = await run(0);
    const heard: string[] = [];
    await worker.channel?.subscribe({ message: (text) => heard.push(text), gap: () => heard.push('GAP') });
    // As where a firewall has forgotten the connections of now.
    proxy.set(BLACKHOLE);
    proxy.set(HEALED, { connections: 'later' });
    expect(await other.cancel('a')).toBe(true);
    await until(() => signal.aborted, 20_000);
    expect(signal.reason).toMatchObject({ code: 'job_cancelled' });
    end();
    expect(heard).toEqual(['GAP']);
    await other.channel?.publish('after');
    await until(() => heard.includes('after'));
  });
});

describe('a queue with a pool that was handed in', () => {
  it('leaves no listeners on it', { timeout: 30_000 }, async () => {
    const pool = openPool({ connectionString: url, max: 6, options: '-c search_path=bullmq' });
    const before = pool.listenerCount('error');
    const queue = open({ pool });
    for (let round = 0; round < 5; round += 1) {
      const ran: string[] = [];
      const worker = queue.startWorker(
        async ({ id }) => {
          ran.push(id);
          return DONE;
        },
        { concurrency: 1, onError: () => undefined },
      );
      await queue.add(entries(2));
      await until(() => ran.length === 2);
      await worker.close();
      expect(pool.listenerCount('error')).toBe(before + 1);
    }
    await queue.close();
    expect(pool.listenerCount('error')).toBe(before);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });
});

describe('the channel of a queue on PostgreSQL', () => {
  it.each(['\u0001', '"', '\\', 'é', '😀', '\ud800', 'a'])('carries many of %j', async (character) => {
    const queue = open();
    const heard: string[] = [];
    await queue.channel?.subscribe({ message: (text) => heard.push(text), gap: () => undefined });
    const text = character.repeat(7000);
    await queue.channel?.publish(text);
    await until(() => heard.length > 0);
    expect(heard.length === 1 && heard[0] === text).toBe(true);
  });

  it('counts a listener twice that is handed in twice', async () => {
    const queue = open();
    const heard: string[] = [];
    const listener = { message: (text: string) => void heard.push(text), gap: () => undefined };
    const stop = await queue.channel?.subscribe(listener);
    await queue.channel?.subscribe(listener);
    stop?.();
    await queue.channel?.publish('one');
    await sleep(20);
    await queue.channel?.publish('end');
    await until(() => heard.includes('end'));
    expect(heard).toEqual(['one', 'end']);
  });
});
