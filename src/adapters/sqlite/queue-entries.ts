import type { EntryOutcome, QueueDepth, QueueEntry } from '../../contracts/queue.js';
import type { SqliteStatement } from './database.js';
import type { SqliteHandle } from './handle.js';
import type { QueueTime } from './queue-time.js';
import { QueueTurns } from './queue-turns.js';

/** Entries whose delay is over that become ready in one go. */
const MOST_READY = 500;

interface EntryRow {
  readonly id: string;
  readonly priority: number;
  readonly group_name: string;
  readonly sequence: number;
}

/**
 * The entries of one queue. Its methods are for work that is running.
 *
 * An entry that runs belongs to a worker, by the id that its lease has. Nobody else changes it, but for the mark that
 * it was cancelled, until the lease is over.
 */
export class QueueEntries {
  readonly turns: QueueTurns;
  readonly #handle: SqliteHandle;
  readonly #table: string;
  readonly #queue: string;
  readonly #time: QueueTime;

  constructor(handle: SqliteHandle, table: string, queue: string, time: QueueTime) {
    this.#handle = handle;
    this.#table = table;
    this.#queue = queue;
    this.#time = time;
    this.turns = new QueueTurns(handle, table, queue);
  }

  add(entries: readonly QueueEntry[]): void {
    const now = this.#time.now();
    const insert = this.#prepare(
      `INSERT INTO TABLE (queue, id, priority, group_name, state, due_at, delay_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    );
    const waiting = new Map<string, QueueEntry>();
    for (const entry of entries) {
      const { id, priority, delayMs, group = '' } = entry;
      const isDelayed = delayMs > 0;
      const times = isDelayed ? [now + delayMs, delayMs] : [null, null];
      insert.run(this.#queue, id, priority, group, isDelayed ? 'delayed' : 'waiting', ...times);
      if (!isDelayed) waiting.set(`${priority} ${group}`, entry);
    }
    for (const { priority, group = '' } of waiting.values()) this.turns.wait(priority, group);
  }

  /** True where it was there and does not run. */
  remove(id: string): boolean {
    const sql = "DELETE FROM TABLE WHERE queue = ? AND id = ? AND state <> 'running'";
    return Number(this.#prepare(sql).run(this.#queue, id).changes) > 0;
  }

  /** True where it runs and was not cancelled before. */
  markCancelled(id: string): boolean {
    const sql = 'UPDATE TABLE SET is_cancelled = 1 WHERE queue = ? AND id = ? AND is_cancelled = 0';
    return Number(this.#prepare(sql).run(this.#queue, id).changes) > 0;
  }

  cancelledOf(worker: string): string[] {
    const sql =
      "SELECT id FROM TABLE WHERE queue = ? AND state = 'running' AND worker = ? AND is_cancelled = 1";
    return (this.#prepare(sql).all(this.#queue, worker) as { id: string }[]).map(({ id }) => id);
  }

  /** Those that are to run next, up to `most`, which belong to the worker from now on. */
  claim(worker: string, most: number): QueueEntry[] {
    const claimed: QueueEntry[] = [];
    while (claimed.length < most) {
      const turn = this.turns.next();
      if (turn === undefined) break;
      const limit = turn.group === '' ? most - claimed.length : 1;
      const rows = this.#claimOf(worker, turn.priority, turn.group, limit);
      if (rows.length === 0) this.turns.end(turn);
      else this.turns.use(turn);
      claimed.push(...rows.map(toEntry));
    }
    return claimed;
  }

  #claimOf(worker: string, priority: number, group: string, limit: number): EntryRow[] {
    const rows = this.#prepare(
      `UPDATE TABLE SET state = 'running', worker = ? WHERE sequence IN (
         SELECT sequence FROM TABLE
         WHERE queue = ? AND state = 'waiting' AND priority = ? AND group_name = ? ORDER BY sequence LIMIT ?
       ) RETURNING id, priority, group_name, sequence`,
    ).all(worker, this.#queue, priority, group, limit) as EntryRow[];
    return rows.sort((a, b) => Number(a.sequence) - Number(b.sequence));
  }

  /** Does what the worker wants done with an entry, where it is still his. */
  settle(worker: string, { id, priority, group = '' }: QueueEntry, outcome: EntryOutcome): void {
    if (outcome.type === 'again') {
      const isDelayed = outcome.delayMs > 0;
      const { changes } = this.#prepare(
        `UPDATE TABLE SET state = ?, due_at = ?, delay_ms = ?, worker = NULL,
           sequence = (SELECT max(sequence) FROM TABLE) + 1
         WHERE queue = ? AND id = ? AND worker = ? AND is_cancelled = 0`,
      ).run(
        isDelayed ? 'delayed' : 'waiting',
        isDelayed ? this.#time.now() + outcome.delayMs : null,
        isDelayed ? outcome.delayMs : null,
        this.#queue,
        id,
        worker,
      );
      if (Number(changes) > 0 && !isDelayed) this.turns.wait(priority, group);
    }
    const sql = 'DELETE FROM TABLE WHERE queue = ? AND id = ? AND worker = ?';
    this.#prepare(sql).run(this.#queue, id, worker);
  }

  /** Lets all entries of a worker wait again, each in its old place. */
  release(worker: string): void {
    const theirs = "queue = ? AND state = 'running' AND worker = ?";
    this.#prepare(`DELETE FROM TABLE WHERE ${theirs} AND is_cancelled = 1`).run(this.#queue, worker);
    const rows = this.#prepare(
      `UPDATE TABLE SET state = 'waiting', worker = NULL, stalls = stalls + 1 WHERE ${theirs}
       RETURNING id, priority, group_name, sequence`,
    ).all(this.#queue, worker) as EntryRow[];
    this.#wait(rows);
  }

  /** Lets entries whose delay is over wait. True where more of them may be left. */
  makeReady(): boolean {
    const rows = this.#prepare(
      `SELECT id, priority, group_name, sequence FROM TABLE
       WHERE queue = ? AND state = 'delayed' AND due_at <= ? ORDER BY due_at, sequence LIMIT ${MOST_READY}`,
    ).all(this.#queue, this.#time.now()) as EntryRow[];
    const update = this.#prepare(
      `UPDATE TABLE SET state = 'waiting', due_at = NULL, delay_ms = NULL,
         sequence = (SELECT max(sequence) FROM TABLE) + 1
       WHERE sequence = ?`,
    );
    for (const { sequence } of rows) update.run(Number(sequence));
    this.#wait(rows);
    return rows.length === MOST_READY;
  }

  /** Milliseconds until the next delay is over, 0 where one is over. */
  nextInMs(): number | undefined {
    const sql = "SELECT min(due_at) AS due_at FROM TABLE WHERE queue = ? AND state = 'delayed'";
    const [row] = this.#prepare(sql).all(this.#queue) as { due_at: number | null }[];
    if (row === undefined || row.due_at === null) return undefined;
    return Math.max(0, Number(row.due_at) - this.#time.now());
  }

  depth(): QueueDepth {
    // One index for each state: many entries are counted in a few milliseconds.
    const count = (which: string, ...values: readonly number[]): number => {
      const sql = `SELECT count(*) AS count FROM TABLE WHERE queue = ? AND ${which}`;
      const [row] = this.#prepare(sql).all(this.#queue, ...values) as { count: number }[];
      return Number(row?.count);
    };
    const due = count("state = 'delayed' AND due_at <= ?", this.#time.now());
    return {
      waiting: count("state = 'waiting'") + due,
      delayed: count("state = 'delayed'") - due,
      active: count("state = 'running'"),
    };
  }

  missing(ids: readonly string[]): string[] {
    const sql = 'SELECT id FROM TABLE WHERE queue = ? AND id IN (SELECT value FROM json_each(?))';
    const rows = this.#prepare(sql).all(this.#queue, JSON.stringify(ids)) as { id: string }[];
    const found = new Set(rows.map(({ id }) => id));
    return ids.filter((id) => !found.has(id));
  }

  #wait(rows: readonly EntryRow[]): void {
    const places = new Map(rows.map((row) => [`${row.priority} ${row.group_name}`, row]));
    for (const { priority, group_name } of places.values()) this.turns.wait(Number(priority), group_name);
  }

  #prepare(sql: string): SqliteStatement {
    return this.#handle.prepare(sql.replaceAll('TABLE', `"${this.#table}"`));
  }
}

function toEntry({ id, priority, group_name }: EntryRow): QueueEntry {
  const entry = { id, priority: Number(priority), delayMs: 0 };
  return group_name === '' ? entry : { ...entry, group: group_name };
}
