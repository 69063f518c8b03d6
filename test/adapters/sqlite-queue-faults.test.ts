import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { DatabaseSync } from '@photostructure/sqlite';
import { BadRequestError, type QueueAdapter, QueueError } from 'transcription-client';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createSqliteQueue, type SqliteDatabase } from '../../src/adapters/sqlite/index.js';
import { entry } from '../../src/testing/contract/queue-rig.js';
import { failureOf } from '../support/client.js';
import { inFile, rowsInFile } from './storage-rig.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-queue-faults-'));
let files = 0;
const newPath = (): string => join(folder, `queue-${++files}.db`);
const open: QueueAdapter[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((queue) => queue.close()));
});

afterAll(() => rmSync(folder, { recursive: true }));

function queueOf(options: Parameters<typeof createSqliteQueue>[0]): QueueAdapter {
  const queue = createSqliteQueue(options);
  open.push(queue);
  return queue;
}

/** A file with the tables of a queue. */
async function made(): Promise<string> {
  const path = newPath();
  const queue = createSqliteQueue({ path });
  await queue.add([entry('there')]);
  await queue.close();
  return path;
}

const SECRET = 'job-of-jane-doe';

describe('add on a file that cannot be written', () => {
  it.each([
    ['no database at all', 'storage_corrupt', (path: string) => writeFileSync(path, SECRET.repeat(1000))],
    [
      'damaged',
      'storage_corrupt',
      async (path: string) => {
        const queue = createSqliteQueue({ path });
        await queue.add(Array.from({ length: 100 }, (_, index) => entry(`${SECRET}-${index}`)));
        await queue.close();
        const pages = readFileSync(path);
        writeFileSync(path, pages.fill(0xff, 4096));
      },
    ],
    [
      'of a newer version',
      'storage_schema',
      async (path: string) => {
        await createSqliteQueue({ path }).add([entry(SECRET)]);
        inFile(path, (database) => database.exec('UPDATE transcription_queue_meta SET version = 99'));
      },
    ],
  ])('%s is a QueueError without its content', async (_what, code, damage) => {
    const path = newPath();
    await damage(path);
    const queue = queueOf({ path });
    const error = await failureOf(queue.add([entry(`${SECRET}-x`)]));
    expect(error).toBeInstanceOf(QueueError);
    expect(error).toMatchObject({ code });
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain('jane');
  });

  it('read-only is a QueueError storage_read_only', async () => {
    const database = new DatabaseSync(await made(), { readOnly: true });
    const queue = queueOf({ database: database as SqliteDatabase });
    expect(await failureOf(queue.add([entry('a')]))).toMatchObject({
      name: 'QueueError',
      code: 'storage_read_only',
      retryable: false,
    });
    await expect(queue.health?.()).rejects.toBeInstanceOf(QueueError);
    database.close();
  });

  it('on a full disk is a QueueError storage_full, adds nothing, and works again once there is room', async () => {
    const path = await made();
    const database = new DatabaseSync(path);
    const [{ page_count = 0 } = {}] = database.prepare('PRAGMA page_count').all() as { page_count: number }[];
    database.exec(`PRAGMA max_page_count = ${page_count}`);
    const queue = queueOf({ database: database as SqliteDatabase });
    const entries = Array.from({ length: 400 }, (_, index) => entry(`e${index}`));
    expect(await failureOf(queue.add(entries))).toMatchObject({
      name: 'QueueError',
      code: 'storage_full',
      retryable: true,
    });
    expect((await queue.depth()).waiting).toBe(1);
    database.exec('PRAGMA max_page_count = 1000000');
    await queue.add(entries);
    expect((await queue.depth()).waiting).toBe(401);
    await queue.close();
    database.close();
    expect(rowsInFile(path, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  it('that another process keeps locked is a QueueError after busyTimeoutMs, and the worker goes on later', async () => {
    const path = await made();
    const queue = queueOf({ path, busyTimeoutMs: 100 });
    const errors: unknown[] = [];
    const begun: string[] = [];
    const start = () =>
      queue.startWorker(
        async ({ id }) => {
          begun.push(id);
          return { type: 'done' };
        },
        { concurrency: 1, onError: (error) => errors.push(error) },
      );
    await queue.depth();
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    start();
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 10);
    expect(await failureOf(queue.add([entry('a')]))).toMatchObject({
      name: 'QueueError',
      code: 'queue_unavailable',
      retryable: true,
    });
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(2);
    await vi.waitFor(() => expect(errors).toMatchObject([{ name: 'QueueError', code: 'queue_unavailable' }]));
    other.exec('ROLLBACK');
    other.close();
    await vi.waitFor(() => expect(begun).toEqual(['there']), { timeout: 5000 });
    expect(errors).toHaveLength(1);
  });
});

describe('the options of createSqliteQueue()', () => {
  it.each([
    [{}, 'invalid_option'],
    [{ path: 'a', database: {} }, 'invalid_option'],
    [{ path: 'file:a' }, 'invalid_option'],
    [{ path: 'a', name: 'a:b' }, 'invalid_option'],
    [{ path: 'a', name: '' }, 'invalid_option'],
    [{ path: 'a', leaseMs: 99 }, 'invalid_option'],
    [{ path: 'a', pollMs: 0 }, 'invalid_option'],
    [{ path: 'a', table: 'a b' }, 'invalid_option'],
    [{ path: 'a', synchronous: 'off' }, 'invalid_option'],
    [{ path: 'a', clock: {} }, 'invalid_option'],
    [{ path: 'a', leaseTime: 1 }, 'unknown_option'],
  ])('%o are refused', (options, code) => {
    const create = () => createSqliteQueue(options as never);
    expect(create).toThrow(BadRequestError);
    expect(create).toThrow(expect.objectContaining({ code }));
  });

  it('tell queues of one file apart by their names', async () => {
    const path = newPath();
    const [one, two] = [queueOf({ path, name: 'one' }), queueOf({ path, name: 'two' })];
    await one.add([entry('a')]);
    expect((await two.depth()).waiting).toBe(0);
    for (const name of ['', 'A', 'a_b', 'a'.repeat(33)])
      expect(() => one.derive?.(name)).toThrow(BadRequestError);
  });
});

describe('many concurrent adds', () => {
  it('are all there once they are acknowledged', async () => {
    const path = newPath();
    const queue = queueOf({ path, synchronous: 'normal' });
    const ids = Array.from({ length: 300 }, (_, index) => `e${index}`);
    await Promise.all(ids.map((id) => queue.add([entry(id)])));
    expect(rowsInFile(path, 'SELECT id FROM transcription_queue ORDER BY sequence')).toEqual(
      ids.map((id) => ({ id })),
    );
  });
});
