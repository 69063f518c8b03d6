import { createBullmqQueue } from 'transcription-client/bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shardPrefixes } from '../../src/adapters/bullmq/shards.js';
import { CLUSTER_PASSWORD, type RedisCluster, startRedisCluster } from '../support/redis-cluster.mjs';
import { DONE, entries, FAULT_TIMES, sleep, succeeds, until } from './bullmq-rig.js';

const SHARDS = 3;

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster({ settings: { appendonly: 'yes', appendfsync: 'no' } });
}, 60_000);

afterAll(() => cluster.close(), 60_000);

/** The port of the master that a queue hears its messages from. */
async function portOfSubscriber(): Promise<number> {
  for (const node of cluster.client.nodes('master')) {
    const clients = String(await node.client('LIST'));
    if (/ sub=[1-9]/.test(clients)) return Number(node.options.port);
  }
  throw new Error('Nobody listens.');
}

describe('a cluster whose master dies', () => {
  it('goes on with its replica: entries, workers, messages', { timeout: 60_000 }, async () => {
    const options = {
      cluster: { nodes: cluster.nodes, options: { redisOptions: { password: CLUSTER_PASSWORD } } },
      shards: SHARDS,
      ...FAULT_TIMES,
    };
    const [queue, other] = [createBullmqQueue(options), createBullmqQueue(options)];
    const ran = new Set<string>();
    const heard: string[] = [];
    await other.channel?.subscribe({ message: (text) => heard.push(text), gap: () => heard.push('GAP') });
    other.startWorker(
      async ({ id }) => {
        await sleep(5);
        ran.add(id);
        return DONE;
      },
      { concurrency: 10, onError: () => undefined },
    );
    const before = await queue.epoch?.();
    const acknowledged = new Set<string>();
    let isOver = false;
    const producing = (async () => {
      for (let step = 0; !isOver; step += 1) {
        const batch = entries(3, `s${step}-`);
        // What was acknowledged in the last moment may be lost by a fail-over. Here all of it is with the replica.
        if (await succeeds(queue.add(batch))) for (const { id } of batch) acknowledged.add(id);
        await sleep(20);
      }
    })();
    await until(() => ran.size > 50);
    isOver = true;
    await producing;
    await until(() => [...acknowledged].every((id) => ran.has(id)));
    const prefixes = shardPrefixes({ prefix: '{bull}', shards: SHARDS });
    const masters = await Promise.all(
      prefixes.map((prefix) => cluster.masterOf(`${prefix}:transcription:meta`)),
    );
    // Each shard lies on a node of its own.
    expect(new Set(masters).size).toBe(SHARDS);
    // The node over which the messages come, and with it one of the shards.
    const dying = await portOfSubscriber();
    await cluster.kill(dying);
    await until(() => heard.includes('GAP'));
    const again = entries(30, 'after');
    await until(() => succeeds(queue.add(again)), 20_000);
    await until(() => again.every(({ id }) => ran.has(id)), 20_000);
    let after: string | undefined;
    await until(async () => {
      after = await queue.epoch?.().catch(() => undefined);
      return after !== undefined;
    });
    expect(after).not.toBe(before);
    const parts = before?.split(',');
    const isSame = after?.split(',').map((part, shard) => part === parts?.[shard]);
    expect(isSame).toEqual(masters.map((port) => port !== dying));
    await until(async () => {
      await queue.channel?.publish('message');
      return heard.includes('message');
    });
    await Promise.all([queue.close(), other.close()]);
  });
});
