import type { SqliteHandle } from './handle.js';
import { hasEnded, processSpace } from './machine.js';

interface WorkerRow {
  readonly id: string;
  readonly beats: number;
  readonly lease_ms: number;
  readonly machine: string | null;
  readonly pid: number;
}

/**
 * The workers of one queue, as the file knows them. Its methods are for work that is running.
 *
 * A worker has one lease for all entries that it runs. No time of it is written down, only a count that goes up as long
 * as the worker renews it: others wait, each on its own monotonic clock, for how long it stands still.
 */
export class QueueLeases {
  readonly #handle: SqliteHandle;
  readonly #workers: string;
  readonly #queue: string;
  readonly #machine = processSpace() ?? null;

  constructor(handle: SqliteHandle, table: string, queue: string) {
    this.#handle = handle;
    this.#workers = `${table}_workers`;
    this.#queue = queue;
  }

  begin(id: string, leaseMs: number): void {
    this.#handle
      .prepare(
        `INSERT INTO ${this.#workers} (id, queue, beats, lease_ms, machine, pid) VALUES (?, ?, 0, ?, ?, ?)`,
      )
      .run(id, this.#queue, leaseMs, this.#machine, process.pid);
  }

  /** False where somebody has ended it. */
  renew(id: string): boolean {
    const sql = `UPDATE ${this.#workers} SET beats = beats + 1 WHERE id = ?`;
    return Number(this.#handle.prepare(sql).run(id).changes) > 0;
  }

  /** False where it has ended or been renewed meanwhile. */
  end(id: string, beats?: number): boolean {
    const sql = `DELETE FROM ${this.#workers} WHERE id = ? AND (? IS NULL OR beats = ?)`;
    const count = beats ?? null;
    return Number(this.#handle.prepare(sql).run(id, count, count).changes) > 0;
  }

  all(): WorkerRow[] {
    const sql = `SELECT id, beats, lease_ms, machine, pid FROM ${this.#workers} WHERE queue = ?`;
    return (this.#handle.prepare(sql).all(this.#queue) as WorkerRow[]).map((row) => ({
      ...row,
      beats: Number(row.beats),
      lease_ms: Number(row.lease_ms),
      pid: Number(row.pid),
    }));
  }

  /** True where its process is surely gone. */
  isGone({ machine, pid }: WorkerRow): boolean {
    return machine !== null && machine === this.#machine && hasEnded(pid);
  }
}

/** What this process has seen of the leases of others. */
export class LeaseWatch {
  readonly #leases: QueueLeases;
  readonly #seen = new Map<string, { readonly beats: number; readonly since: number }>();

  constructor(leases: QueueLeases) {
    this.#leases = leases;
  }

  /** The leases that are over, and their counts. For work that is running. */
  overdue(now: number): WorkerRow[] {
    const rows = this.#leases.all();
    const ids = new Set(rows.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
    return rows.filter((row) => this.#leases.isGone(row) || this.#standsStill(row, now));
  }

  #standsStill({ id, beats, lease_ms }: WorkerRow, now: number): boolean {
    const seen = this.#seen.get(id);
    if (seen?.beats === beats) return now - seen.since >= lease_ms;
    this.#seen.set(id, { beats, since: now });
    return false;
  }
}
