import { CREDIT, nowAfter, ROUND, turnOf } from '../../resilience/fair-order.js';
import type { SqliteHandle } from './handle.js';

/** Of what has no group. */
const FIRST_TURN = Number.MIN_SAFE_INTEGER;

export interface Turn {
  readonly priority: number;
  /** Empty for what has no group. */
  readonly group: string;
  readonly turn: number;
}

/**
 * Whose turn it is, in one queue. Its methods are for work that is running.
 *
 * Invariant: a group in which an entry waits is marked so. One in which none waits any more may be marked until its
 * turn comes.
 */
export class QueueTurns {
  readonly #handle: SqliteHandle;
  readonly #table: string;
  readonly #queue: string;

  constructor(handle: SqliteHandle, table: string, queue: string) {
    this.#handle = handle;
    this.#table = table;
    this.#queue = queue;
  }

  /** An entry waits. */
  wait(priority: number, group: string): void {
    const turn = group === '' ? FIRST_TURN : turnOf(this.#now(priority), undefined);
    this.#handle
      .prepare(
        `INSERT INTO ${this.#table}_groups (queue, priority, name, turn, waits) VALUES (?, ?, ?, ?, 1)
         ON CONFLICT DO UPDATE SET turn = max(turn, excluded.turn), waits = 1 WHERE waits = 0`,
      )
      .run(this.#queue, priority, group, turn);
  }

  next(): Turn | undefined {
    const [row] = this.#handle
      .prepare(
        `SELECT priority, name, turn FROM ${this.#table}_groups WHERE queue = ? AND waits = 1
         ORDER BY priority, turn LIMIT 1`,
      )
      .all(this.#queue) as { priority: number; name: string; turn: number }[];
    if (row === undefined) return undefined;
    return { priority: Number(row.priority), group: row.name, turn: Number(row.turn) };
  }

  /** An entry has started. */
  use({ priority, group, turn }: Turn): void {
    if (group === '') return;
    const now = nowAfter(this.#now(priority), turn);
    this.#handle
      .prepare(
        `INSERT INTO ${this.#table}_rounds (queue, priority, now) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET now = excluded.now`,
      )
      .run(this.#queue, priority, now);
    this.#handle
      .prepare(`UPDATE ${this.#table}_groups SET turn = ? WHERE queue = ? AND priority = ? AND name = ?`)
      .run(turnOf(now, turn + ROUND), this.#queue, priority, group);
  }

  /** No entry waits. */
  end({ priority, group }: Turn): void {
    this.#handle
      .prepare(`UPDATE ${this.#table}_groups SET waits = 0 WHERE queue = ? AND priority = ? AND name = ?`)
      .run(this.#queue, priority, group);
    const waiting = this.#handle
      .prepare(`SELECT 1 FROM ${this.#table}_groups WHERE queue = ? AND priority = ? AND waits = 1 LIMIT 1`)
      .all(this.#queue, priority);
    if (waiting.length > 0) return;
    // Nobody waits to whom what is known of the groups could be unfair.
    for (const table of ['groups', 'rounds']) {
      this.#handle
        .prepare(`DELETE FROM ${this.#table}_${table} WHERE queue = ? AND priority = ?`)
        .run(this.#queue, priority);
    }
  }

  /** Drops what makes no difference any more. */
  forget(): void {
    this.#handle
      .prepare(
        `DELETE FROM ${this.#table}_groups AS old WHERE queue = ? AND waits = 0 AND turn <= ? + (
           SELECT now FROM ${this.#table}_rounds AS round
           WHERE round.queue = old.queue AND round.priority = old.priority
         )`,
      )
      .run(this.#queue, -CREDIT);
  }

  #now(priority: number): number {
    const [row] = this.#handle
      .prepare(`SELECT now FROM ${this.#table}_rounds WHERE queue = ? AND priority = ?`)
      .all(this.#queue, priority) as { now: number }[];
    return Number(row?.now ?? 0);
  }
}
