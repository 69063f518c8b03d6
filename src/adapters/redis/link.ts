import type { Clock } from '../../contracts/clock.js';
import { isUnknownScript, LateAnswer, packageMissing, toRedisError, unavailable } from './errors.js';
import type { RedisInstance, RedisTarget } from './options.js';
import type { RedisScript } from './scripts.js';

/** A connection that is not there after this time is given up for a new one, however long a command may take. */
const MAX_CONNECT_MS = 1000;
/** A server that lets nobody listen is not asked all the time. */
const LISTEN_AGAIN_MS = 1000;
const LAST_LOOK_MS = 20;

/**
 * No connection repeats a command or waits for the server to come back: who asks decides that. It is replaced by
 * a new one instead, which also helps where the old one neither answers nor breaks.
 */
const PROFILE = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  disconnectTimeout: 100,
};

const CLUSTER_PROFILE = {
  lazyConnect: true,
  enableOfflineQueue: false,
  clusterRetryStrategy: () => null,
  redisOptions: { disconnectTimeout: 100 },
};

export interface LinkParts {
  readonly target: RedisTarget;
  readonly clock: Clock;
  readonly commandTimeoutMs: number;
  onMessage(message: string): void;
  /** The connection for commands has ended, and nobody here wanted that. */
  onBroken(): void;
}

/** A connection for commands and one that listens, both made when they are first needed. */
export class RedisLink {
  readonly #parts: LinkParts;
  readonly #running = new Set<Promise<unknown>>();
  readonly #channels = new Set<string>();
  #commands: RedisInstance | undefined;
  #connecting: Promise<RedisInstance> | undefined;
  #listener: RedisInstance | undefined;
  #isSubscribing = false;
  #listenAfter = 0;
  #isClosed = false;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  /** Sends at once where a connection is there. Rejects with what `toRedisError()` says. */
  async run(script: RedisScript, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    const running = this.#run(script, keys, values);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Hears what is published under this key, as long as that works: messages may be lost. */
  listen(key: string): void {
    if (this.#channels.has(key) && this.#listener !== undefined) return;
    if (!this.#channels.has(key)) this.#listenAfter = 0;
    this.#channels.add(key);
    if (this.#isSubscribing || this.#isClosed || this.#parts.clock.monotonicMs() < this.#listenAfter) return;
    this.#listenAfter = this.#parts.clock.monotonicMs() + LISTEN_AGAIN_MS;
    void this.#subscribe();
  }

  /** Resolves when the commands that were sent have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
    this.#dropListener();
    if (this.#commands !== undefined) this.#drop(this.#commands);
  }

  async #run(script: RedisScript, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    if (this.#isClosed) throw unavailable();
    let client = this.#commands;
    try {
      client ??= await this.#connect();
      return await this.#within(this.#parts.commandTimeoutMs, call(client, script, keys, values));
    } catch (cause) {
      const error = toRedisError(cause);
      // Another one may lead to a server that answers, or that is the master now.
      if (error.code === 'network' && client !== undefined) this.#drop(client);
      // Nothing else shows that the listener does not hear any more.
      if (cause instanceof LateAnswer) this.#dropListener();
      throw error;
    }
  }

  #connect(): Promise<RedisInstance> {
    this.#connecting ??= this.#open()
      .then((client) => {
        this.#commands = client;
        client.on('close', () => {
          if (this.#commands !== client) return;
          this.#commands = undefined;
          this.#parts.onBroken();
        });
        return client;
      })
      .finally(() => {
        this.#connecting = undefined;
      });
    return this.#connecting;
  }

  /** A connection that is ready. */
  async #open(): Promise<RedisInstance> {
    const client = await makeClient(this.#parts.target);
    let reason: unknown;
    // Says more than the failure of connect(). Without a listener it would be printed.
    client.on('error', (error: unknown) => {
      reason = error;
    });
    try {
      await this.#within(Math.min(MAX_CONNECT_MS, this.#parts.commandTimeoutMs), client.connect());
      return client;
    } catch (error) {
      client.disconnect();
      throw error instanceof LateAnswer ? error : (reason ?? error);
    }
  }

  async #subscribe(): Promise<void> {
    this.#isSubscribing = true;
    try {
      const listener = this.#listener ?? (await this.#openListener());
      // Unlike keys, channels are not given the prefix of the connection.
      const { keyPrefix = '' } = (listener as { options?: { keyPrefix?: string } }).options ?? {};
      for (let count = 0; count < this.#channels.size; ) {
        count = this.#channels.size;
        const channels = [...this.#channels].map((key) => keyPrefix + key);
        await this.#within(this.#parts.commandTimeoutMs, listener.subscribe(...channels));
      }
    } catch {
      // Callers ask again in any case, and then listen again.
      this.#dropListener();
    } finally {
      this.#isSubscribing = false;
      if (this.#isClosed) this.#dropListener();
    }
  }

  async #openListener(): Promise<RedisInstance> {
    const listener = await this.#open();
    this.#listener = listener;
    listener.on('message', (_channel, message) => this.#parts.onMessage(String(message)));
    listener.on('close', () => {
      if (this.#listener === listener) this.#listener = undefined;
    });
    return listener;
  }

  #dropListener(): void {
    this.#listener?.disconnect();
    this.#listener = undefined;
  }

  #drop(client: RedisInstance): void {
    if (this.#commands === client) this.#commands = undefined;
    client.disconnect();
  }

  #within<Value>(timeoutMs: number, promise: Promise<Value>): Promise<Value> {
    const { clock } = this.#parts;
    return new Promise((resolve, reject) => {
      // A process that was stopped for so long finds its timers due first, and then the answer that is there.
      let timer = clock.setTimer(() => {
        timer = clock.setTimer(() => reject(new LateAnswer('late')), LAST_LOOK_MS);
      }, timeoutMs);
      promise.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}

async function call(
  client: RedisInstance,
  { sha, text }: RedisScript,
  keys: readonly string[],
  values: readonly string[],
): Promise<unknown> {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...values);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return client.eval(text, keys.length, ...keys, ...values);
  }
}

async function makeClient(target: RedisTarget): Promise<RedisInstance> {
  if (target.kind === 'instance') {
    const { instance } = target;
    const isCluster = typeof (instance as { nodes?: unknown }).nodes === 'function';
    const copied = instance as unknown as { duplicate(...overrides: readonly unknown[]): RedisInstance };
    return isCluster ? copied.duplicate([], CLUSTER_PROFILE) : copied.duplicate(PROFILE);
  }
  const { Redis, Cluster } = await loadRedis();
  if (target.kind === 'cluster') {
    const redisOptions = (target.options as { redisOptions?: object }).redisOptions;
    return new Cluster([...target.nodes], {
      ...target.options,
      ...CLUSTER_PROFILE,
      redisOptions: { ...redisOptions, ...CLUSTER_PROFILE.redisOptions },
    }) as RedisInstance;
  }
  return (
    typeof target.options === 'string'
      ? new Redis(target.options, PROFILE)
      : new Redis({ ...target.options, ...PROFILE })
  ) as RedisInstance;
}

async function loadRedis(): Promise<Pick<typeof import('ioredis'), 'Redis' | 'Cluster'>> {
  try {
    return await import('ioredis');
  } catch (cause) {
    throw packageMissing(cause);
  }
}
