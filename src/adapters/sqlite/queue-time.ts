import type { Clock } from '../../contracts/clock.js';
import { systemClock } from '../../internal/system-clock.js';
import type { SqliteHandle } from './handle.js';
import { startOfMachine } from './machine.js';

/**
 * The time in which delays are kept in a file: milliseconds since 1970 as the wall clock had it once, counted on
 * by the monotonic clock.
 *
 * Where the system tells which start of the machine this is, all processes since then count from the same moment, which
 * the first of them has written to the file: whatever is done to the wall clock meanwhile shortens and stretches no
 * delay. Otherwise, and on a clock that was handed in, each process looks at the wall clock once, when it opens
 * the file.
 */
export class QueueTime {
  readonly #startedAt: number;
  readonly #elapsedMs: () => number;

  private constructor(startedAt: number, elapsedMs: () => number) {
    this.#startedAt = startedAt;
    this.#elapsedMs = elapsedMs;
  }

  now(): number {
    return this.#startedAt + this.#elapsedMs();
  }

  static open(handle: SqliteHandle, table: string, clock: Clock): Promise<QueueTime> {
    const machine = clock === systemClock ? startOfMachine() : undefined;
    const elapsedMs = machine === undefined ? () => clock.monotonicMs() : uptimeMs;
    const startedAt = clock.wallMs() - elapsedMs();
    return handle.transact(() => {
      const known = machine === undefined ? undefined : read(handle, table, machine);
      const time = new QueueTime(known ?? startedAt, elapsedMs);
      if (known === undefined) shortenDelays(handle, table, time.now());
      if (known === undefined && machine !== undefined) write(handle, table, machine, startedAt);
      return time;
    });
  }
}

/** Of the machine, and so the same in all its processes. */
function uptimeMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

function read(handle: SqliteHandle, table: string, machine: string): number | undefined {
  const [row] = handle.prepare(`SELECT started_at FROM ${table}_time WHERE machine = ?`).all(machine) as {
    started_at: number;
  }[];
  return row && Number(row.started_at);
}

function write(handle: SqliteHandle, table: string, machine: string, startedAt: number): void {
  handle.prepare(`DELETE FROM ${table}_time`).run();
  handle.prepare(`INSERT INTO ${table}_time (machine, started_at) VALUES (?, ?)`).run(machine, startedAt);
}

/** The wall clock may have been set back since: nothing waits for longer than it was told to. */
function shortenDelays(handle: SqliteHandle, table: string, now: number): void {
  handle
    .prepare(`UPDATE "${table}" SET due_at = ? + delay_ms WHERE state = 'delayed' AND due_at > ? + delay_ms`)
    .run(now, now);
}
