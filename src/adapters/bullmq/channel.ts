import type { Redis } from 'ioredis';
import type { Clock, TimerHandle } from '../../contracts/clock.js';
import type { QueueListener } from '../../contracts/queue.js';
import { sleep } from '../../internal/sleep.js';
import type { Client } from './connections.js';
import type { Messages } from './engine.js';
import { queueClosed } from './errors.js';

/** How often the subscriber's connection is tried: one that is dead tells nothing by itself. */
const PING_EVERY_MS = 5000;
const REOPEN_AFTER_MS = 100;

export interface RedisMessagesOptions {
  /** What the names of channels begin with. */
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
  readonly #listeners = new Map<string, Set<QueueListener>>();
  #opening: Promise<Redis> | undefined;
  #ping: TimerHandle | undefined;
  #isClosed = false;

  constructor(options: RedisMessagesOptions) {
    this.#options = options;
  }

  async publish(topic: string, text: string): Promise<void> {
    await (await this.#options.publisher()).publish(this.#channel(topic), text);
  }

  async subscribe(topic: string, listener: QueueListener): Promise<() => void> {
    if (this.#isClosed) throw queueClosed();
    const channel = this.#channel(topic);
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    const stop = (): void => {
      listeners.delete(listener);
    };
    try {
      await (await this.#client()).subscribe(channel);
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
    client.on('message', (channel: string, text: string) => {
      for (const listener of this.#listeners.get(channel) ?? []) listener.message(text);
    });
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
      const channels = [...this.#listeners.keys()];
      if (channels.length > 0) await client.subscribe(...channels);
      for (const listener of [...this.#listeners.values()].flatMap((set) => [...set])) listener.gap();
    } catch {
      // The connection broke again, and its end or its next beginning leads here once more.
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

  #channel(topic: string): string {
    return `${this.#options.prefix}:${topic}`;
  }
}
