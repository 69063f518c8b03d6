import type { Clock } from '../../contracts/clock.js';
import type { QueueListener } from '../../contracts/queue.js';
import { sleep } from '../../internal/sleep.js';
import type { Messages } from './engine.js';
import { queueClosed } from './errors.js';
import type { PostgresClient, PostgresQueuePool } from './postgres-pool.js';

const CHANNEL = 'transcription_messages';
/** A notification holds less than 8000 bytes. Each of these may take four. */
const PART_LENGTH = 1500;
const REOPEN_AFTER_MS = 100;

/** A part of a message, as it travels. Of two that are the same PostgreSQL delivers one: the number tells them apart. */
type Part = readonly [
  queue: string,
  topic: string,
  id: string,
  number: number,
  isLast: boolean,
  text: string,
];

/** Messages by LISTEN and NOTIFY, on one connection of the pool, which is taken when it is needed. */
export class PostgresMessages implements Messages {
  readonly #queue: string;
  readonly #clock: Clock;
  readonly #pool: () => Promise<PostgresQueuePool>;
  readonly #listeners = new Map<string, Set<QueueListener>>();
  readonly #begun = new Map<string, string>();
  #opening: Promise<PostgresClient> | undefined;
  #isClosed = false;

  constructor(queue: string, clock: Clock, pool: () => Promise<PostgresQueuePool>) {
    this.#queue = queue;
    this.#clock = clock;
    this.#pool = pool;
  }

  async publish(topic: string, text: string): Promise<void> {
    const pool = await this.#pool();
    const id = globalThis.crypto.randomUUID();
    const characters = Array.from(text);
    const parts: string[] = [];
    do {
      const part = characters.splice(0, PART_LENGTH).join('');
      const isLast = characters.length === 0;
      parts.push(JSON.stringify([this.#queue, topic, id, parts.length, isLast, part] satisfies Part));
    } while (characters.length > 0);
    // One statement is one transaction: nothing comes in between, and the order stays.
    await pool.query('SELECT pg_notify($1, part) FROM unnest($2::text[]) AS part', [CHANNEL, parts]);
  }

  async subscribe(topic: string, listener: QueueListener): Promise<() => void> {
    if (this.#isClosed) throw queueClosed();
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    const stop = (): void => {
      listeners.delete(listener);
    };
    try {
      await this.#client();
      return stop;
    } catch (error) {
      stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    const client = await this.#opening?.catch(() => undefined);
    this.#opening = undefined;
    client?.removeAllListeners('notification');
    client?.release(true);
  }

  #client(): Promise<PostgresClient> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<PostgresClient> {
    const client = await (await this.#pool()).connect();
    let isBroken = false;
    client.on('error', () => {
      if (isBroken || this.#isClosed) return;
      isBroken = true;
      client.release(true);
      void this.#reopen();
    });
    client.on('notification', ({ channel, payload }: { channel: string; payload?: string }) => {
      if (channel === CHANNEL && payload !== undefined) this.#take(JSON.parse(payload) as Part);
    });
    await client.query(`LISTEN ${CHANNEL}`);
    return client;
  }

  #take([queue, topic, id, , isLast, text]: Part): void {
    if (queue !== this.#queue) return;
    const whole = (this.#begun.get(id) ?? '') + text;
    if (!isLast) {
      this.#begun.set(id, whole);
      return;
    }
    this.#begun.delete(id);
    for (const listener of this.#listeners.get(topic) ?? []) listener.message(whole);
  }

  async #reopen(): Promise<void> {
    this.#opening = undefined;
    this.#begun.clear();
    while (!this.#isClosed) {
      try {
        await this.#client();
        for (const listener of [...this.#listeners.values()].flatMap((set) => [...set])) listener.gap();
        return;
      } catch {
        await sleep(this.#clock, REOPEN_AFTER_MS);
      }
    }
  }
}
