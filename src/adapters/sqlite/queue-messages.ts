import type { Clock } from '../../contracts/clock.js';
import type { QueueListener } from '../../contracts/queue.js';
import type { SqliteHandle } from './handle.js';
import type { QueueTime } from './queue-time.js';

/** How long a message is kept for those who ask for it now and then. */
const KEPT_MS = 60_000;
/** Who has not asked for so long may have missed some. */
const MISSED_AFTER_MS = KEPT_MS / 2;
const MOST_AT_ONCE = 1000;

interface MessageRow {
  readonly sequence: number;
  readonly text: string;
}

export interface MessageParts {
  readonly handle: SqliteHandle;
  readonly table: string;
  readonly queue: string;
  readonly time: QueueTime;
  readonly clock: Clock;
}

/** The channel of one queue, in a table of the file. */
export class QueueMessages {
  readonly #parts: MessageParts;
  readonly #listeners = new Set<QueueListener>();
  /** The last message that was heard, and when it was looked for more. */
  #last = 0;
  #askedAt = 0;
  #cleanedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: MessageParts) {
    this.#parts = parts;
  }

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  async publish(text: string): Promise<void> {
    const { handle, clock } = this.#parts;
    const isCleaning = clock.monotonicMs() - this.#cleanedAt > KEPT_MS / 6;
    await handle.transact(() => this.#write(text, isCleaning), { mayBeLost: true });
    if (isCleaning) this.#cleanedAt = clock.monotonicMs();
  }

  async subscribe(listener: QueueListener): Promise<() => void> {
    const { handle, table, clock } = this.#parts;
    if (this.isHeard) await this.read();
    const last = await handle.run(() => {
      // Also of those that were deleted since.
      const sql = 'SELECT seq FROM sqlite_sequence WHERE name = ?';
      const [row] = handle.prepare(sql).all(`${table}_messages`) as { seq: number }[];
      return Number(row?.seq ?? 0);
    });
    if (!this.isHeard) {
      this.#last = last;
      this.#askedAt = clock.monotonicMs();
    }
    // The same listener may be handed in twice.
    const own: QueueListener = { message: (text) => listener.message(text), gap: () => listener.gap() };
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Hands out what is new. */
  async read(): Promise<void> {
    const { handle, table, queue } = this.#parts;
    const sql = `SELECT sequence, text FROM ${table}_messages WHERE queue = ? AND sequence > ?
      ORDER BY sequence LIMIT ${MOST_AT_ONCE}`;
    let rows: MessageRow[];
    do {
      const last = this.#last;
      rows = await handle.run(() => handle.prepare(sql).all(queue, last) as MessageRow[]);
      this.asked();
      for (const row of rows) this.#hear(Number(row.sequence), row.text);
    } while (rows.length === MOST_AT_ONCE);
  }

  /** There was nothing new until now. */
  asked(): void {
    const now = this.#parts.clock.monotonicMs();
    if (now - this.#askedAt > MISSED_AFTER_MS) for (const { gap } of [...this.#listeners]) gap();
    this.#askedAt = now;
  }

  #write(text: string, isCleaning: boolean): void {
    const { handle, table, queue, time } = this.#parts;
    const now = time.now();
    handle
      .prepare(`INSERT INTO ${table}_messages (queue, sent_at, text) VALUES (?, ?, ?)`)
      .run(queue, now, text);
    if (!isCleaning) return;
    // Those from the future were sent before the wall clock was set back.
    handle
      .prepare(`DELETE FROM ${table}_messages WHERE sent_at < ? OR sent_at > ?`)
      .run(now - KEPT_MS, now + KEPT_MS);
  }

  #hear(sequence: number, text: string): void {
    // Another call may have read it as well.
    if (sequence <= this.#last) return;
    this.#last = sequence;
    for (const { message } of [...this.#listeners]) message(text);
  }
}
