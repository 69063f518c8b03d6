import type { Clock, TimerHandle } from '../../contracts/clock.js';
import type { QueueListener } from '../../contracts/queue.js';
import { sleep } from '../../internal/sleep.js';
import type { Messages } from './engine.js';
import { queueClosed } from './errors.js';
import { Listeners } from './listeners.js';
import { discard, type PostgresClient, type PostgresQueuePool } from './postgres-pool.js';
import { settlesWithin } from './settles-within.js';

const CHANNEL = 'transcription_messages';
/** A notification holds less than 8000 bytes, with all that is in it besides the text. */
const PART_BYTES = 6000;
/** How often the connection is tried: one that is dead tells nothing by itself. */
const PING_EVERY_MS = 5000;
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

export interface PostgresMessagesOptions {
  readonly queue: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  pool(): Promise<PostgresQueuePool>;
}

/** Messages by LISTEN and NOTIFY, on one connection of the pool, which is taken when it is needed. */
export class PostgresMessages implements Messages {
  readonly #options: PostgresMessagesOptions;
  readonly #listeners = new Listeners();
  readonly #begun = new Map<string, string>();
  #opening: Promise<PostgresClient> | undefined;
  /** Gives up the connection that listens. */
  #drop: (() => void) | undefined;
  #ping: TimerHandle | undefined;
  #isClosed = false;

  constructor(options: PostgresMessagesOptions) {
    this.#options = options;
  }

  async publish(topic: string, text: string): Promise<void> {
    const pool = await this.#options.pool();
    const id = globalThis.crypto.randomUUID();
    const texts = partsOf(text);
    const parts = texts.map((part, number) => {
      const isLast = number === texts.length - 1;
      return JSON.stringify([this.#options.queue, topic, id, number, isLast, part] satisfies Part);
    });
    // One statement is one transaction: nothing comes in between, and the order stays.
    await pool.query('SELECT pg_notify($1, part) FROM unnest($2::text[]) AS part', [CHANNEL, parts]);
  }

  async subscribe(topic: string, listener: QueueListener): Promise<() => void> {
    if (this.#isClosed) throw queueClosed();
    const stop = this.#listeners.add(topic, listener);
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
    this.#drop?.();
    // One that is being opened is given up as soon as it is there.
    await this.#opening?.catch(() => undefined);
  }

  #client(): Promise<PostgresClient> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<PostgresClient> {
    const client = await (await this.#options.pool()).connect();
    const onError = (): void => {
      if (this.#drop !== drop) return;
      drop();
      void this.#reopen();
    };
    const onNotification = ({ channel, payload }: { channel: string; payload?: string }): void => {
      if (channel === CHANNEL && payload !== undefined) this.#take(JSON.parse(payload) as Part);
    };
    let isDropped = false;
    const drop = (): void => {
      if (isDropped) return;
      isDropped = true;
      if (this.#drop === drop) this.#drop = undefined;
      this.#ping?.cancel();
      client.off('notification', onNotification);
      discard(client);
      client.off('error', onError);
    };
    client.on('error', onError);
    client.on('notification', onNotification);
    try {
      if (this.#isClosed) throw queueClosed();
      const isInTime = await this.#answers(client, `LISTEN ${CHANNEL}`);
      if (this.#isClosed) throw queueClosed();
      if (!isInTime) throw new Error('Command timed out');
    } catch (error) {
      drop();
      throw error;
    }
    this.#drop = drop;
    this.#schedulePing(client, onError);
    return client;
  }

  /** False where there is no answer in time. Rejects with what the server says against it. */
  async #answers(client: PostgresClient, statement: string): Promise<boolean> {
    const { clock, timeoutMs } = this.#options;
    const query = client.query(statement);
    if (!(await settlesWithin(clock, query, timeoutMs))) return false;
    await query;
    return true;
  }

  #schedulePing(client: PostgresClient, onDead: () => void): void {
    const ping = async (): Promise<void> => {
      if (await this.#answers(client, 'SELECT 1').catch(() => false)) this.#schedulePing(client, onDead);
      else onDead();
    };
    this.#ping?.cancel();
    if (this.#isClosed) return;
    this.#ping = this.#options.clock.setTimer(() => void ping(), PING_EVERY_MS);
    this.#ping.unref?.();
  }

  #take([queue, topic, id, , isLast, text]: Part): void {
    if (queue !== this.#options.queue) return;
    const whole = (this.#begun.get(id) ?? '') + text;
    if (!isLast) {
      this.#begun.set(id, whole);
      return;
    }
    this.#begun.delete(id);
    this.#listeners.tell(topic, whole);
  }

  async #reopen(): Promise<void> {
    this.#opening = undefined;
    this.#begun.clear();
    while (!this.#isClosed) {
      try {
        await this.#client();
        this.#listeners.gap();
        return;
      } catch {
        await sleep(this.#options.clock, REOPEN_AFTER_MS);
      }
    }
  }
}

/** Cut so that each is short enough as JSON: there a character may take up to six bytes. */
function partsOf(text: string): readonly string[] {
  const parts: string[] = [];
  let part = '';
  let bytes = 0;
  for (const character of text) {
    const size = Buffer.byteLength(JSON.stringify(character)) - 2;
    if (bytes + size > PART_BYTES) {
      parts.push(part);
      part = '';
      bytes = 0;
    }
    part += character;
    bytes += size;
  }
  return [...parts, part];
}
