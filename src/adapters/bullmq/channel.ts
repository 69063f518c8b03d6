import type { Redis } from 'ioredis';
import type { Clock, TimerHandle } from '../../contracts/clock.js';
import type { QueueListener } from '../../contracts/queue.js';
import { sleep } from '../../internal/sleep.js';
import type { Client } from './connections.js';
import type { Messages } from './engine.js';
import { isRefusedLogin, queueClosed } from './errors.js';
import { Listeners } from './listeners.js';

/** How often the subscriber's connection is tried: one that is dead tells nothing by itself. */
const PING_EVERY_MS = 5000;
const REOPEN_AFTER_MS = 100;
/** Between two attempts to subscribe where the server refuses it. */
const RETRY_MS = 1000;

export interface RedisMessagesOptions {
  /** What the names of channels begin with, before the number of the database: channels know of none. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  publisher(): Promise<Client>;
  /** A connection of its own. It may end, where its node does. */
  subscriber(): Promise<Redis>;
  reconnect(client: Redis): void;
}

/** Messages over Redis pub/sub, on one connection for all topics of a queue, which is opened when it is needed. */
export class RedisMessages implements Messages {
  readonly #options: RedisMessagesOptions;
  readonly #listeners = new Listeners();
  #opening: Promise<Redis> | undefined;
  #ping: TimerHandle | undefined;
  #isClosed = false;
  #isRefused = false;

  constructor(options: RedisMessagesOptions) {
    this.#options = options;
  }

  /** The user may not subscribe. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  async publish(topic: string, text: string): Promise<void> {
    const client = await this.#options.publisher();
    await client.publish(this.#prefix(client) + topic, text);
  }

  async subscribe(topic: string, listener: QueueListener): Promise<() => void> {
    if (this.#isClosed) throw queueClosed();
    const stop = this.#listeners.add(topic, listener);
    try {
      await this.#hear(await this.#client(), [topic]);
      return stop;
    } catch (error) {
      stop();
      throw error;
    }
  }

  /** The connection is closed by who has opened it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#ping?.cancel();
    this.#listeners.clear();
  }

  #client(): Promise<Redis> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<Redis> {
    const client = await this.#options.subscriber();
    const prefix = this.#prefix(client);
    client.on('message', (channel: string, text: string) =>
      this.#listeners.tell(channel.slice(prefix.length), text),
    );
    // The first connection has missed nothing: its subscriptions wait for it.
    let isFirst = client.status !== 'ready';
    client.on('ready', () => {
      if (!isFirst) void this.#catchUp(client);
      isFirst = false;
    });
    client.on('end', () => void this.#reopen());
    this.#ping ??= this.#schedulePing();
    return client;
  }

  /** After a reconnection nothing is subscribed any more. */
  async #catchUp(client: Redis): Promise<void> {
    try {
      await this.#hear(client, this.#listeners.topics);
    } catch {
      // Where the connection broke again, its end or its next beginning leads here once more.
      if (!this.#isRefused || this.#isClosed) return;
      const timer = this.#options.clock.setTimer(() => void this.#catchUp(client), RETRY_MS);
      timer.unref?.();
    }
    // Also where nothing is heard: whoever can looks by himself then.
    this.#listeners.gap();
  }

  async #hear(client: Redis, topics: readonly string[]): Promise<void> {
    const prefix = this.#prefix(client);
    try {
      if (topics.length > 0) await client.subscribe(...topics.map((topic) => prefix + topic));
      this.#isRefused = false;
    } catch (error) {
      this.#isRefused = isRefusedLogin(error);
      throw error;
    }
  }

  async #reopen(): Promise<void> {
    if (this.#isClosed) return;
    this.#opening = undefined;
    while (!this.#isClosed) {
      try {
        await this.#catchUp(await this.#client());
        return;
      } catch {
        await sleep(this.#options.clock, REOPEN_AFTER_MS);
      }
    }
  }

  #schedulePing(): TimerHandle {
    const timer = this.#options.clock.setTimer(() => void this.#pingOnce(), PING_EVERY_MS);
    timer.unref?.();
    return timer;
  }

  async #pingOnce(): Promise<void> {
    const client = await this.#opening?.catch(() => undefined);
    if (client?.status === 'ready') {
      const { clock, timeoutMs, reconnect } = this.#options;
      const late = clock.setTimer(() => reconnect(client), timeoutMs);
      await client.ping().catch(() => undefined);
      late.cancel();
    }
    if (!this.#isClosed) this.#ping = this.#schedulePing();
  }

  /** A cluster has but one database. */
  #prefix(client: Client): string {
    const { db = 0 } = client.options as { readonly db?: number };
    return `${this.#options.prefix}:${db}:`;
  }
}
