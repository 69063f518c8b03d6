import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { createSqliteStorage, type SqliteDatabase } from '../../src/adapters/sqlite/index.js';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-handles-'));
let files = 0;
const newPath = (): string => join(folder, `records-${++files}.db`);

afterAll(() => rmSync(folder, { recursive: true }));

const CLOSED = { name: 'StorageError', code: 'storage_unavailable', retryable: false };

describe('a SQLite storage that is closed', () => {
  it('before its first call makes no file', async () => {
    const path = newPath();
    const storage = createSqliteStorage({ path });
    await storage.close?.();
    await storage.close?.();
    expect(await failureOf(storage.get('jobs', 'a'))).toMatchObject(CLOSED);
    expect(() => statSync(path)).toThrow(/ENOENT/);
  });

  it('during calls settles each of them, and has stored what was acknowledged', async () => {
    const path = newPath();
    const storage = createSqliteStorage({ path });
    const calls = Array.from({ length: 50 }, (_, index) => storage.put(record(`r${index}`)));
    const closing = [storage.close?.(), storage.close?.()];
    const outcomes = await Promise.allSettled(calls);
    await Promise.all(closing);
    const again = createSqliteStorage({ path });
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(CLOSED);
      else expect(await again.get('jobs', `r${index}`)).toBeDefined();
    }
    await again.close?.();
  });

  it('refuses every call, and says what to do', async () => {
    const storage = createSqliteStorage({ path: newPath() });
    await storage.put(record('a'));
    await storage.close?.();
    const calls = [
      () => storage.get('jobs', 'a'),
      () => storage.put(record('a')),
      () => storage.list('jobs', {}),
      () => storage.delete('jobs', 'a'),
      () => storage.transact?.([{ type: 'put', record: record('a') }]),
      () => storage.purge?.('jobs', { createdBefore: '2027-01-01T00:00:00.000Z' }),
      () => storage.health?.(),
    ];
    for (const call of calls) {
      const error = await failureOf(Promise.resolve(call()));
      expect(error).toMatchObject(CLOSED);
      expect(error.message).toMatch(/new one/);
    }
  });
});

describe('a handle of SQLite that was handed in', () => {
  it('stays open, and can be handed in again', async () => {
    const database = new DatabaseSync(newPath());
    for (const id of ['a', 'b']) {
      const storage = createSqliteStorage({ database: database as SqliteDatabase });
      expect(storage.capabilities).toEqual({ shared: true, durable: true, atomic: true });
      expect(await storage.put(record(id))).toBe(true);
      await storage.close?.();
      expect(await failureOf(storage.get('jobs', id))).toMatchObject(CLOSED);
    }
    expect(database.prepare('SELECT id FROM transcription_records').all()).toHaveLength(2);
    database.close();
  });

  it('that its owner has closed is said to be closed', async () => {
    const database = new DatabaseSync(newPath());
    const storage = createSqliteStorage({ database: database as SqliteDatabase });
    await storage.put(record('a'));
    database.close();
    for (const call of [
      () => storage.get('jobs', 'a'),
      () => storage.transact?.([{ type: 'put', record: record('a') }]),
    ]) {
      const error = await failureOf(Promise.resolve(call()));
      expect(error).toMatchObject({ ...CLOSED, cause: expect.any(Error) });
      expect(error.message).toMatch(/closed/);
    }
    await storage.close?.();
    expect(() => createSqliteStorage({ database: database as SqliteDatabase })).toThrow(
      expect.objectContaining(CLOSED),
    );
  });

  it('may read numbers as BigInt', async () => {
    const path = newPath();
    for (const id of ['a', 'b']) {
      const database = new DatabaseSync(path, { readBigInts: true });
      const storage = createSqliteStorage({ database: database as SqliteDatabase });
      expect(await storage.put(record(id))).toBe(true);
      expect(await storage.get('jobs', id)).toMatchObject({ version: 1 });
      database.close();
    }
  });

  it('may keep a journal in place of a log, and be read while it is written', async () => {
    const database = new DatabaseSync(newPath());
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA busy_timeout = 0');
    const storage = createSqliteStorage({ database: database as SqliteDatabase });
    await storage.put(record('a'));
    const reader = new DatabaseSync(database.location() ?? '');
    reader.exec('BEGIN');
    reader.prepare('SELECT id FROM transcription_records').all();
    const writing = storage.transact?.([{ type: 'put', record: record('b') }]);
    setTimeout(() => reader.exec('COMMIT'), 50);
    expect(await writing).toBe(true);
    reader.close();
    database.close();
  });

  it('may be read-only', async () => {
    const path = newPath();
    const first = createSqliteStorage({ path });
    await first.put(record('a'));
    const database = new DatabaseSync(path, { readOnly: true });
    const storage = createSqliteStorage({ database: database as SqliteDatabase });
    expect(await storage.get('jobs', 'a')).toBeDefined();
    const error = { code: 'storage_read_only', retryable: false };
    expect(await failureOf(storage.put(record('b')))).toMatchObject(error);
    expect(await failureOf(Promise.resolve(storage.health?.()))).toMatchObject(error);
    expect(
      await failureOf(Promise.resolve(storage.transact?.([{ type: 'put', record: record('b') }]))),
    ).toMatchObject(error);
    database.close();
    await first.close?.();
  });
});

describe('the files of SQLite', () => {
  it('are for their owner alone', async () => {
    const path = newPath();
    const storage = createSqliteStorage({ path });
    await storage.put(record('a'));
    const modes = ['', '-wal', '-shm'].map((end) => (statSync(path + end).mode & 0o777).toString(8));
    expect(modes).toEqual(['600', '600', '600']);
    await storage.close?.();
  });
});

describe('one put of a small record', () => {
  it('holds up the event loop for a few milliseconds', async () => {
    const storage = createSqliteStorage({ path: newPath() });
    await storage.put(record('warm'));
    const times: number[] = [];
    for (let index = 0; index < 200; index += 1) {
      const startedAt = performance.now();
      // The work is done within the turn of the call, whose promise settles later.
      const put = storage.put(record(`r${index}`, { data: 'x'.repeat(500) }));
      await put;
      times.push(performance.now() - startedAt);
    }
    await storage.close?.();
    times.sort((a, b) => a - b);
    const [median = 0, p99 = 0] = [times[100], times[198]];
    console.log(`A put takes ${median.toFixed(2)} ms, one in a hundred ${p99.toFixed(2)} ms.`);
    // Each is on the disk: a slow disk takes its time.
    expect(median).toBeLessThan(50);
  });
});
