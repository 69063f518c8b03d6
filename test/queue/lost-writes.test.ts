import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from '../../src/testing/index.js';
import { CLUSTER_PASSWORD, type RedisCluster, startRedisCluster } from '../support/redis-cluster.mjs';
import { openBackend } from './processes/backend.js';

const WITHIN_MS = 60_000;
const closes: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
}, 60_000);

function opened<Thing>(thing: Thing, close: (thing: Thing) => unknown): Thing {
  closes.push(() => close(thing));
  return thing;
}

/** What the master is told from now on no replica ever hears. */
async function cutReplicasOff({ nodes }: RedisCluster, master: number): Promise<void> {
  // With it no replica gets a new connection to its master. Those of clients are not touched.
  await Promise.all(nodes.map(({ port }) => ask(port, (node) => node.config('SET', 'masterauth', 'wrong'))));
  await ask(master, async (node) => {
    await node.call('CLIENT', 'KILL', 'TYPE', 'replica');
    await vi.waitFor(async () => {
      expect(await node.info('replication')).toContain('connected_slaves:0');
    });
  });
}

async function ask(port: number, question: (node: Redis) => Promise<unknown>): Promise<void> {
  const node = new Redis({ host: '127.0.0.1', port, password: CLUSTER_PASSWORD });
  try {
    await question(node);
  } finally {
    node.disconnect();
  }
}

describe('a fail-over that loses writes', () => {
  it('loses no acknowledged job', { timeout: 180_000 }, async () => {
    const folder = opened(mkdtempSync(join(tmpdir(), 'lost-writes-')), (path) =>
      rmSync(path, { recursive: true, force: true }),
    );
    const emulator = opened<DeepgramEmulator>(await startDeepgramEmulator(), (e) => e.close());
    const audioUrl = emulator.serveAudio(synthesizeSpeech('one two three').audio);
    const cluster = opened<RedisCluster>(await startRedisCluster(), (c) => c.close());
    const { client, storage, close } = openBackend({
      queue: { kind: 'cluster', port: cluster.nodes[0]?.port ?? 0, password: CLUSTER_PASSWORD, shards: 1 },
      storage: join(folder, 'records.db'),
      emulator: emulator.url,
    });
    closes.push(close);
    client.startWorker();
    await (await client.enqueue(audioUrl)).result({ timeoutMs: 10_000 });
    const master = await cluster.masterOf('{bull}:transcription:meta');
    await cutReplicasOff(cluster, master);
    const jobs = await client.enqueueMany(
      Array.from({ length: 20 }, () => ({ source: audioUrl, options: { delayMs: 3000 } })),
    );
    const lost = jobs.map(({ id }) => `{bull}:transcription:e_${id}`);
    const known = (): Promise<number[]> => Promise.all(lost.map((key) => cluster.client.exists(key)));
    expect(await known()).not.toContain(0);
    await cluster.kill(master);
    const promotedAt = performance.now();
    // The replica that is the master now knows none of them.
    expect(await known()).not.toContain(1);
    await Promise.all(jobs.map((job) => job.result({ timeoutMs: WITHIN_MS })));
    expect(performance.now() - promotedAt).toBeLessThan(WITHIN_MS);
    expect((await storage.list('transcripts', {})).items).toHaveLength(jobs.length + 1);
  });
});
