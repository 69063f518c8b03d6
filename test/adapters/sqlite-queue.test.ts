import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import type { Clock, QueueAdapter } from 'transcription-client';
import { afterAll, describe, it } from 'vitest';
import { createSqliteQueue, type SqliteDatabase } from '../../src/adapters/sqlite/index.js';
import { testQueueContract } from '../../src/testing/contract/queue.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-queue-'));
let files = 0;
const newPath = (): string => join(folder, `queue-${++files}.db`);
const paths = new WeakMap<QueueAdapter, string>();

afterAll(() => rmSync(folder, { recursive: true }));

const runner = { describe, it };
/** Most of what a rule does on the machine's time is waiting: rules may wait side by side. */
const sideBySide = { describe, it: it.concurrent };
const all = { distributed: true, durable: true };

function opened(path: string, queue: QueueAdapter): QueueAdapter {
  paths.set(queue, path);
  return queue;
}

describe('on a clock moved by hand', () => {
  testQueueContract(runner, {
    capabilities: all,
    create(clock) {
      const path = newPath();
      return opened(path, createSqliteQueue({ path, clock, synchronous: 'normal' }));
    },
    reopen: (first, clock) => createSqliteQueue({ path: paths.get(first) ?? '', clock }),
  });
});

describe('on the time of the machine', () => {
  testQueueContract(sideBySide, {
    capabilities: all,
    time: 'real',
    create() {
      const path = newPath();
      return opened(path, createSqliteQueue({ path, pollMs: 20 }));
    },
    reopen: (first) => createSqliteQueue({ path: paths.get(first) ?? '', pollMs: 20 }),
  });
});

describe('in memory', () => {
  testQueueContract(runner, {
    capabilities: { distributed: false, durable: false },
    create: (clock) => createSqliteQueue({ path: ':memory:', clock }),
  });
});

describe('on a database that is handed in, by two adapters', () => {
  const databases = new WeakMap<QueueAdapter, SqliteDatabase>();
  const on = (database: SqliteDatabase, clock: Clock): QueueAdapter => {
    const queue = createSqliteQueue({ database, clock });
    databases.set(queue, database);
    return queue;
  };
  testQueueContract(runner, {
    capabilities: all,
    create(clock) {
      const database = new DatabaseSync(newPath());
      // Not as the library sets it up: without a log, and in a hurry.
      database.exec('PRAGMA synchronous = OFF');
      return on(database as SqliteDatabase, clock);
    },
    reopen: (first, clock) => on(databases.get(first) as SqliteDatabase, clock),
  });
});
