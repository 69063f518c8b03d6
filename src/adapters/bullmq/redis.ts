import type { IQueueBackend, RedisQueueBackend } from 'bullmq';
import type { Redis } from 'ioredis';
import type { QueueDepth } from '../../contracts/queue.js';
import { Lazy } from '../../internal/lazy.js';
import {
  BackendConsumer,
  BackendProducer,
  type Bullmq,
  loadBullmq,
  toJobJson,
  workerOptions,
} from './bullmq.js';
import { RedisMessages } from './channel.js';
import { type Client, Connections } from './connections.js';
import type { Consumer, Consumers, Engine, Producer } from './engine.js';
import { type JobData, type NewJob, rankOf } from './entry.js';
import { EPOCH, redisEpoch } from './epoch.js';
import { FAIR_ORDER, FORGET_PLACE, goFirst, rowParameters, takeTurns } from './fair-order.js';
import { REFUSED_CHANNELS, redisHealth } from './health.js';
import { derivedName, type RedisSettings } from './options.js';
import { shardOf, shardPrefixes } from './shards.js';

/** A worker waits so long for a sign of new entries, then looks by itself. */
const MAX_BLOCK_MS = 2000;
/** A wait that takes so much longer than it may has lost its answer. */
const BLOCK_GRACE_MS = 500;
/** BullMQ tells every step of a job to a stream that nobody here reads. */
const MAX_EVENTS = 1000;
/** Redis works on the first ones while the next ones are written. */
const JOBS_OF_PIPELINE = 200;

/** BullMQ on Redis, a Redis Cluster or something that speaks their language. */
export function createRedisEngine(settings: RedisSettings): Engine {
  const { source, name, shards, commandTimeoutMs } = settings;
  const connections = new Connections(source, commandTimeoutMs);
  const prefixes = shardPrefixes(settings);
  const opening = new Lazy(async () => {
    const bullmq = await loadBullmq();
    const client = await connections.open('producer');
    for (const command of [FAIR_ORDER, FORGET_PLACE, EPOCH]) client.defineCommand(command.name, command);
    const backends = prefixes.map((prefix) => openBackend(bullmq, name, prefix, client));
    return { client, producers: backends.map((backend) => new RedisProducer(backend)) };
  });
  async function ready(): Promise<{ client: Client; producers: readonly RedisProducer[] }> {
    const opened = opening.value ?? (await opening.get());
    if (opened.client.status !== 'ready') await connections.untilReady(opened.client);
    return opened;
  }
  const messages = new RedisMessages({
    prefix: `${prefixes[0]}:${name}`,
    clock: settings.clock,
    timeoutMs: commandTimeoutMs,
    publisher: async () => (await ready()).client,
    async subscriber() {
      if (!connections.isCluster) return (await connections.open('subscriber')) as Redis;
      return connections.openOn(anyNode((await ready()).client));
    },
    reconnect: (client) => connections.reconnect(client),
  });
  return {
    server: 'Redis',
    shards,
    shardOf: (jobId) => shardOf(jobId, shards),
    messages,
    producer: async (shard) => (await ready()).producers[shard] as Producer,
    consume: () => openConsumers(settings, connections, prefixes),
    epoch: async () => redisEpoch((await ready()).client, prefixes, name),
    async health() {
      const problems = await redisHealth((await ready()).client, prefixes);
      return messages.isRefused ? [...problems, REFUSED_CHANNELS] : problems;
    },
    derive: (derived) => createRedisEngine({ ...settings, name: derivedName(name, derived) }),
    reconnect: () => connections.reconnect(opening.value?.client),
    async close() {
      await messages.close();
      connections.close();
    },
  };
}

function openBackend(
  { createRedisBackend }: Bullmq,
  name: string,
  prefix: string,
  client: Client,
  more: object = {},
): RedisQueueBackend {
  const options = {
    connection: client,
    prefix,
    // Its warnings go to the console; health() says more.
    skipVersionCheck: true,
    skipWaitingForReady: true,
    ...more,
  };
  // Another version of ioredis has other types.
  const backend = createRedisBackend(name, options as unknown as Parameters<typeof createRedisBackend>[1]);
  // The client reconnects by itself; without a listener an error would be thrown.
  backend.on('error', () => undefined);
  return backend;
}

function anyNode(client: Client): Redis {
  const nodes = 'nodes' in client ? client.nodes('master') : [];
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  if (node === undefined) throw new Error('The cluster has no node.');
  return node as Redis;
}

class RedisProducer extends BackendProducer implements Producer {
  readonly #redis: RedisQueueBackend;

  constructor(backend: RedisQueueBackend) {
    super(backend);
    this.#redis = backend;
  }

  async add(jobs: readonly NewJob[]): Promise<void> {
    const client = await this.#redis.client;
    const sent: Promise<unknown>[] = [];
    for (let start = 0; start < jobs.length; start += JOBS_OF_PIPELINE) {
      sent.push(this.#send(client, jobs.slice(start, start + JOBS_OF_PIPELINE)));
    }
    const failed = (await Promise.allSettled(sent)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #send(client: Awaited<RedisQueueBackend['client']>, jobs: readonly NewJob[]): Promise<unknown> {
    const pipeline = client.pipeline();
    const waiting = new Map<number, string[]>();
    for (const job of jobs) {
      // Fills the pipeline: a failure shows when it is sent.
      this.#redis.addJobToTransaction(pipeline, toJobJson(job), job.id).catch(() => undefined);
      const { group } = job.data;
      if (group === undefined) continue;
      const row = waiting.get(job.priority) ?? [];
      if (row.push(job.id, group) === 2) waiting.set(job.priority, row);
    }
    const { keys } = this.#redis;
    for (const [priority, row] of waiting) {
      pipeline.runCommand(FAIR_ORDER.name, [...rowParameters(keys[''] ?? '', priority), ...row]);
    }
    return settled(pipeline.exec());
  }

  async remove(jobId: string, data: JobData): Promise<'removed' | 'locked' | 'missing'> {
    const key = this.#redis.toKey(jobId);
    const prefix = this.#redis.toKey('');
    const transaction = (await this.#redis.client).multi();
    if (data.group !== undefined) {
      const parameters = [...rowParameters(prefix, rankOf(data)), jobId, data.group];
      transaction.runCommand(FORGET_PLACE.name, parameters);
    }
    (transaction as unknown as ReturnType<Redis['multi']>).exists(key);
    // BullMQ says the same of one that is not there as of one that it has removed.
    const parameters = [key, this.#redis.toKey('repeat'), jobId, 0, prefix];
    this.#redis.execCommand(transaction, 'removeJob', parameters);
    const [exists, removed] = (await settled<number>(transaction.exec())).slice(-2);
    if (exists === 0) return 'missing';
    return removed === 1 ? 'removed' : 'locked';
  }

  async depth(): Promise<QueueDepth> {
    const { keys } = this.#redis;
    const pipeline = (await this.#redis.client).pipeline() as unknown as ReturnType<Redis['pipeline']>;
    pipeline
      .llen(keys.wait ?? '')
      .llen(keys.paused ?? '')
      .zcard(keys.prioritized ?? '');
    // Those that are due become waiting ones when a worker looks.
    pipeline.zcount(keys.delayed ?? '', '-inf', (Date.now() + 1) * 0x1000 - 1).zcard(keys.delayed ?? '');
    pipeline.llen(keys.active ?? '');
    const counts = await settled<number>(pipeline.exec());
    const [wait = 0, paused = 0, prioritized = 0, due = 0, delayed = 0, active = 0] = counts;
    return { waiting: wait + paused + prioritized + due, delayed: delayed - due, active };
  }

  async missing(jobIds: readonly string[]): Promise<readonly string[]> {
    const pipeline = (await this.#redis.client).pipeline() as unknown as ReturnType<Redis['pipeline']>;
    for (const id of jobIds) pipeline.exists(this.#redis.toKey(id));
    const found = await settled<number>(pipeline.exec());
    return jobIds.filter((_, index) => found[index] === 0);
  }
}

/** The replies of a pipeline, or the first error among them. */
async function settled<Reply>(results: Promise<unknown>): Promise<readonly Reply[]> {
  return ((await results) as [error: unknown, reply: Reply][]).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}

async function openConsumers(
  settings: RedisSettings,
  connections: Connections,
  prefixes: readonly string[],
): Promise<Consumers> {
  const bullmq = await loadBullmq();
  const client = await connections.open('worker');
  client.defineCommand(FAIR_ORDER.name, FAIR_ORDER);
  const shards: RedisConsumer[] = [];
  for (const prefix of prefixes) {
    const backend = openBackend(bullmq, settings.name, prefix, client, workerOptions(settings));
    // A blocking command holds up all others of its connection.
    const blocking = await connections.open('blocking');
    shards.push(new RedisConsumer({ backend, settings, connections, client, blocking }));
  }
  // Best effort: it is a bound on memory.
  void Promise.all(
    shards.map(({ backend }) => backend.setQueueMeta({ 'opts.maxLenEvents': MAX_EVENTS })),
  ).catch(() => undefined);
  return {
    shards,
    interrupt() {
      for (const shard of shards) connections.close(shard.blocking);
    },
    reconnect: () => connections.reconnect(client),
    close() {
      for (const shard of shards) connections.close(shard.blocking);
      connections.close(client);
    },
  };
}

interface RedisConsumerParts {
  readonly backend: IQueueBackend;
  readonly settings: RedisSettings;
  readonly connections: Connections;
  readonly client: Client;
  readonly blocking: Client;
}

class RedisConsumer extends BackendConsumer implements Consumer {
  readonly #parts: RedisConsumerParts;
  readonly #marker: string;

  constructor(parts: RedisConsumerParts) {
    super(parts.backend, parts.settings.lockDurationMs);
    this.#parts = parts;
    this.#marker = parts.backend.toKey('marker');
  }

  get blocking(): Client {
    return this.#parts.blocking;
  }

  /** BullMQ's own wait is not used: it opens a connection like that of the commands, with their time limit. */
  async wait(timeoutMs: number): Promise<void> {
    const { settings, connections, blocking } = this.#parts;
    const ms = Math.min(Math.max(10, timeoutMs), MAX_BLOCK_MS);
    let isLate = false;
    const timer = settings.clock.setTimer(() => {
      isLate = true;
      connections.reconnect(blocking);
    }, ms + BLOCK_GRACE_MS);
    try {
      await blocking.bzpopmin(this.#marker, ms / 1000);
    } catch (error) {
      if (!isLate) throw error;
    } finally {
      timer.cancel();
    }
  }

  protected takeTurns(rank: number): Promise<void> {
    return takeTurns(this.#parts.client, this.backend.toKey(''), rank);
  }

  protected goFirst(jobId: string, rank: number): Promise<void> {
    return goFirst(this.#parts.client, this.backend.toKey(''), rank, jobId);
  }

  async wakeAnother(): Promise<void> {
    await this.#parts.client.zadd(this.#marker, 0, '0');
  }
}
