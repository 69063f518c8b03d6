import type { Cluster, Redis } from 'ioredis';
import { QueueError } from '../../errors/index.js';
import { isRefusedLogin } from './errors.js';
import { isCluster, type RedisSource } from './options.js';

export type Client = Redis | Cluster;

/** Options of ioredis. Its types differ from version to version. */
type Options = Readonly<Record<string, unknown>>;

interface Ioredis {
  readonly Redis: new (...parameters: readonly unknown[]) => Redis;
  readonly Cluster: new (...parameters: readonly unknown[]) => Cluster;
}

interface Duplicable {
  duplicate(...parameters: readonly unknown[]): Client;
}

/**
 * `producer`: fails at once where there is no connection. `worker`: keeps commands over a reconnection. `blocking`:
 * commands may take their time, and end with their connection. `subscriber`: keeps its subscriptions.
 */
export type Profile = 'producer' | 'worker' | 'blocking' | 'subscriber';

const RETRY_STEP_MS = 50;
const MAX_RETRY_MS = 500;
/** A connection that is given up gets so long to say goodbye. */
const DISCONNECT_TIMEOUT_MS = 100;

/** Opens the connections of a queue, and closes them. */
export class Connections {
  readonly #source: RedisSource;
  readonly #commandTimeoutMs: number;
  readonly #opened = new Set<Client>();
  readonly #leaving = new Set<Client>();
  readonly #waits = new Map<Client, Promise<void>>();
  #isClosed = false;

  constructor(source: RedisSource, commandTimeoutMs: number) {
    this.#source = source;
    this.#commandTimeoutMs = commandTimeoutMs;
  }

  get isCluster(): boolean {
    return isCluster(this.#source);
  }

  /** Resolves to a client that has begun to connect. */
  async open(profile: Profile): Promise<Client> {
    return this.#keep(await this.#make(profile));
  }

  /** Rejects where the log-in is refused, or the client is closed. May wait for ever. */
  untilReady(client: Client): Promise<void> {
    if (client.status === 'ready') return Promise.resolve();
    // Those who wait for the same client share its listeners.
    const waiting = this.#waits.get(client);
    if (waiting !== undefined) return waiting;
    const wait = untilReady(client).finally(() => this.#waits.delete(client));
    wait.catch(() => undefined);
    this.#waits.set(client, wait);
    return wait;
  }

  /** Messages of a cluster reach every node: one is enough to hear them, and a plain client tells when it breaks. */
  openOn(node: Redis): Redis {
    const retryStrategy = (times: number): number | null => (times > 3 ? null : RETRY_STEP_MS * times);
    const options = { ...this.#profile('subscriber'), retryStrategy };
    return this.#keep((node as unknown as Duplicable).duplicate(options) as Redis);
  }

  /** Gives up a connection that is of no use any more. A new one is opened. */
  reconnect(client: Client | undefined): void {
    if (client === undefined || this.#leaving.has(client)) return;
    if (client.status !== 'ready' && client.status !== 'connect') return;
    this.#leaving.add(client);
    client.once('close', () => this.#leaving.delete(client));
    client.disconnect(true);
  }

  close(client?: Client): void {
    this.#isClosed ||= client === undefined;
    for (const opened of client === undefined ? this.#opened : [client]) {
      this.#opened.delete(opened);
      opened.disconnect();
    }
  }

  async #make(profile: Profile): Promise<Client> {
    const source = this.#source;
    const redis = this.#profile(profile);
    const cluster = {
      lazyConnect: true,
      // What waits for a cluster has no time limit: the limit of a command begins at its node.
      enableOfflineQueue: false,
      // A replica lags behind: what it says of an entry may be over.
      scaleReads: 'master',
      clusterRetryStrategy: retryDelay,
      redisOptions: redis,
    };
    if (source.type === 'instance') {
      const instance = source.instance as unknown as Duplicable;
      return this.isCluster ? instance.duplicate([], cluster) : instance.duplicate(redis);
    }
    const ioredis = await loadIoredis();
    if (source.type === 'url') return new ioredis.Redis(source.url, redis);
    if (source.type === 'options') return new ioredis.Redis({ ...source.options, ...redis });
    const { nodes, options = {} } = source.cluster;
    const redisOptions = { ...(options.redisOptions as Options | undefined), ...redis };
    return new ioredis.Cluster([...nodes], { ...options, ...cluster, redisOptions });
  }

  #profile(profile: Profile): Options {
    return {
      lazyConnect: true,
      enableOfflineQueue: profile === 'worker' || profile === 'subscriber',
      maxRetriesPerRequest: { producer: 1, worker: null, blocking: 0, subscriber: null }[profile],
      retryStrategy: retryDelay,
      disconnectTimeout: DISCONNECT_TIMEOUT_MS,
      // That of ioredis does not wait for its outcome: the owner subscribes again.
      autoResubscribe: false,
      // A call of a producer has a limit as a whole: a timer for each command of a batch costs more than the command.
      commandTimeout: profile === 'worker' ? this.#commandTimeoutMs : undefined,
      // Nobody waits for the answers to a log-in. Without an end, a subscriber would stay with a master that is stuck.
      socketTimeout: profile === 'subscriber' ? this.#commandTimeoutMs : undefined,
      // Where a Sentinel does not answer, there is time left to ask the next one.
      sentinelCommandTimeout: this.#commandTimeoutMs / 2,
    };
  }

  #keep<Opened extends Client>(client: Opened): Opened {
    // A connection that breaks is opened again; without a listener it would be written to the console.
    client.on('error', () => undefined);
    if (this.#isClosed) client.disconnect();
    else {
      this.#opened.add(client);
      client.connect().catch(() => undefined);
    }
    return client;
  }
}

function retryDelay(times: number): number {
  return Math.min(times * RETRY_STEP_MS, MAX_RETRY_MS);
}

async function loadIoredis(): Promise<Ioredis> {
  try {
    return (await import('ioredis')) as unknown as Ioredis;
  } catch (cause) {
    throw new QueueError('The package ioredis is not installed. Run npm install ioredis.', {
      code: 'queue_failed',
      cause,
    });
  }
}

function untilReady(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown): void => {
      client.off('ready', settle);
      client.off('end', onEnd);
      client.off('error', onError);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onEnd = (): void => settle(new Error('The connection is closed.'));
    const onError = (error: unknown): void => {
      if (isRefusedLogin(lastNodeError(error))) settle(lastNodeError(error));
    };
    client.on('ready', settle);
    client.on('end', onEnd);
    client.on('error', onError);
    if (client.status === 'end') onEnd();
  });
}

/** A cluster says only that it found no node. */
function lastNodeError(error: unknown): unknown {
  return (error as { lastNodeError?: unknown } | undefined)?.lastNodeError ?? error;
}
