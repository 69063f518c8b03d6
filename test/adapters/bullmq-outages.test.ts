import type { QueueAdapter } from 'transcription-client';
import { createBullmqQueue } from 'transcription-client/bullmq';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.mjs';
import { type RedisServer, startRedis } from '../support/redis-server.mjs';
import { DONE, entries, FAULT_TIMES, succeeds, until } from './bullmq-rig.js';

/** By then work goes on, after the server is back. */
const RESUMES_MS = 2000;

let server: RedisServer;
let opened: QueueAdapter[];

beforeEach(async () => {
  server = await startRedis({ appendonly: 'yes', appendfsync: 'everysec' });
  opened = [];
}, 60_000);

afterEach(async () => {
  for (const queue of opened) await queue.close();
  await server.close();
}, 60_000);

function open(): QueueAdapter {
  const queue = createBullmqQueue({ connection: server.url, ...FAULT_TIMES });
  opened.push(queue);
  return queue;
}

/** Producers that add without end, and workers that run what they add. */
function load() {
  const acknowledged = new Set<string>();
  const ran = new Map<string, number>();
  let isOver = false;
  let lastMs = 0;
  async function produce(producer: number): Promise<void> {
    const queue = open();
    for (let step = 0; !isOver; step += 1) {
      const batch = entries(5, `p${producer}-${step}-`);
      if (await succeeds(queue.add(batch))) for (const { id } of batch) acknowledged.add(id);
      else step -= 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  const queues = [open(), open()];
  for (const queue of queues) {
    queue.startWorker(
      async ({ id }) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        ran.set(id, (ran.get(id) ?? 0) + 1);
        lastMs = performance.now();
        return DONE;
      },
      { concurrency: 5, onError: () => undefined },
    );
  }
  const producers = Promise.all([0, 1, 2].map(produce));
  return {
    acknowledged,
    ran,
    /** Resolves to how long it took until an entry ran. */
    async resumed(): Promise<number> {
      const startedAt = performance.now();
      await until(() => lastMs > startedAt);
      return lastMs - startedAt;
    },
    async end(): Promise<void> {
      isOver = true;
      await producers;
      await until(() => [...acknowledged].every((id) => ran.has(id)));
    },
  };
}

describe('a Redis that is killed under load', () => {
  it('loses nothing that was acknowledged, and work goes on when it is back', {
    timeout: 60_000,
  }, async () => {
    const { acknowledged, ran, resumed, end } = load();
    const epochs = new Set<string | undefined>();
    for (let crash = 0; crash < 2; crash += 1) {
      const before = acknowledged.size;
      await until(() => acknowledged.size > before + 100);
      epochs.add(await opened[0]?.epoch?.());
      // The journal is written out every second: what was acknowledged in the last one is with the system.
      await server.crash();
      await new Promise((resolve) => setTimeout(resolve, 700));
      await server.start();
      expect(await resumed()).toBeLessThan(RESUMES_MS);
    }
    epochs.add(await opened[0]?.epoch?.());
    await end();
    console.log(`${acknowledged.size} entries were acknowledged, ${ran.size} ran.`);
    expect(epochs.size).toBe(3);
    // A run that ends while Redis is away is told to it when it is back, within its lease.
    expect([...ran.values()].filter((count) => count > 1)).toEqual([]);
  });
});

describe('a Redis that takes no writes for five seconds', () => {
  it('loses nothing, and work goes on when it does', { timeout: 60_000 }, async () => {
    const { acknowledged, resumed, end } = load();
    await until(() => acknowledged.size > 100);
    await server.client.replicaof('127.0.0.1', await freePort());
    await new Promise((resolve) => setTimeout(resolve, 5000));
    await server.client.call('REPLICAOF', 'NO', 'ONE');
    expect(await resumed()).toBeLessThan(RESUMES_MS);
    await end();
  });
});
