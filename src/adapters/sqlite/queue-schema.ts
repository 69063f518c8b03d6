import type { Migration } from './migrations.js';

/**
 * The tables of all queues of a file. Each migration brings them from the version before it, which is its index, to
 * the next one. Never change one.
 *
 * - The table itself holds the entries; `sequence` is the order of their arrival.
 * - `_groups`: the turns of groups, `_rounds`: how far the rounds of a priority are. See resilience/fair-order.ts.
 *   What has no group is a group with an empty name, whose turn is always the first.
 * - `_workers`: who runs entries, and a count that goes up as long as he lives.
 * - `_messages`: those of the channel, for a minute.
 * - `_time`: what the time of the file was when a machine was started.
 */
export const QUEUE_MIGRATIONS: readonly Migration[] = [
  (table) => `
    CREATE TABLE "${table}" (
      sequence INTEGER PRIMARY KEY,
      queue TEXT NOT NULL,
      id TEXT NOT NULL,
      priority REAL NOT NULL,
      group_name TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('waiting', 'delayed', 'running')),
      due_at REAL,
      delay_ms REAL,
      worker TEXT,
      is_cancelled INTEGER NOT NULL DEFAULT 0,
      stalls INTEGER NOT NULL DEFAULT 0,
      UNIQUE (queue, id)
    );
    CREATE INDEX ${table}_waiting ON "${table}" (queue, priority, group_name, sequence) WHERE state = 'waiting';
    CREATE INDEX ${table}_delayed ON "${table}" (queue, due_at) WHERE state = 'delayed';
    CREATE INDEX ${table}_running ON "${table}" (queue, worker) WHERE state = 'running';
    CREATE TABLE ${table}_groups (
      queue TEXT NOT NULL,
      priority REAL NOT NULL,
      name TEXT NOT NULL,
      turn INTEGER NOT NULL,
      waits INTEGER NOT NULL,
      PRIMARY KEY (queue, priority, name)
    ) WITHOUT ROWID;
    CREATE INDEX ${table}_turns ON ${table}_groups (queue, priority, turn) WHERE waits = 1;
    CREATE TABLE ${table}_rounds (
      queue TEXT NOT NULL,
      priority REAL NOT NULL,
      now INTEGER NOT NULL,
      PRIMARY KEY (queue, priority)
    ) WITHOUT ROWID;
    CREATE TABLE ${table}_workers (
      id TEXT PRIMARY KEY,
      queue TEXT NOT NULL,
      beats INTEGER NOT NULL,
      lease_ms REAL NOT NULL,
      machine TEXT,
      pid INTEGER NOT NULL
    );
    CREATE TABLE ${table}_messages (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      queue TEXT NOT NULL,
      sent_at REAL NOT NULL,
      text TEXT NOT NULL
    );
    CREATE TABLE ${table}_time (machine TEXT PRIMARY KEY, started_at REAL NOT NULL);
  `,
];
