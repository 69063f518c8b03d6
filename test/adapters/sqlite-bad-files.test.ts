import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageAdapter, StoredRecord } from 'transcription-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqliteStorage } from '../../src/adapters/sqlite/index.js';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { inFile, randomOf } from './storage-rig.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-bad-files-'));
let files = 0;
const newPath = (): string => join(folder, `records-${++files}.db`);

afterAll(() => rmSync(folder, { recursive: true }));

const RECORDS = 1000;
const dataOf = (index: number): string => `${index} `.repeat(100);

/** A closed database of many records. */
async function filled(): Promise<string> {
  const path = newPath();
  const storage = createSqliteStorage({ path, synchronous: 'normal' });
  const changes = Array.from({ length: RECORDS }, (_, index) => ({
    type: 'put' as const,
    record: record(`r${index}`, { data: dataOf(index) }),
    condition: { expectedVersion: 0 },
  }));
  expect(await storage.transact?.(changes)).toBe(true);
  await storage.close?.();
  return path;
}

/** A copy of a file whose connections are closed: what is done to it disturbs nobody. */
function copyOf(path: string): string {
  const copy = newPath();
  copyFileSync(path, copy);
  return copy;
}

describe('a path of SQLite', () => {
  it.each([
    ['text', 'This is no database. '.repeat(500)],
    ['a few bytes', 'SQLite'],
    ['the beginning of a database', 'SQLite format 3\0'],
  ])('to a file that holds %s is refused, and the file stays as it is', async (_, content) => {
    const path = newPath();
    writeFileSync(path, content);
    const storage = createSqliteStorage({ path });
    expect(await failureOf(storage.get('jobs', 'a'))).toMatchObject({
      name: 'StorageError',
      code: 'storage_corrupt',
      retryable: false,
    });
    expect(await failureOf(storage.health?.() ?? Promise.resolve())).toMatchObject({
      code: 'storage_corrupt',
    });
    await storage.close?.();
    expect(readFileSync(path, 'utf8')).toBe(content);
  });

  it('to an empty file makes the database in it', async () => {
    const path = newPath();
    writeFileSync(path, '');
    const storage = createSqliteStorage({ path });
    expect(await storage.put(record('a'))).toBe(true);
    await storage.close?.();
    expect(statSync(path).size).toBeGreaterThan(0);
  });

  it.each([
    ['a folder', () => folder],
    ['a file in a folder that is not there', () => join(folder, 'missing', 'records.db')],
    [
      'a file below a file',
      () => {
        const path = newPath();
        writeFileSync(path, '');
        return join(path, 'records.db');
      },
    ],
  ])('to %s is refused, with what to do', async (_, place) => {
    const storage = createSqliteStorage({ path: place() });
    const error = await failureOf(storage.get('jobs', 'a'));
    expect(error).toMatchObject({ name: 'StorageError', code: 'storage_unavailable', retryable: false });
    expect(error.message).toMatch(/path/);
    await storage.close?.();
  });

  it('that can be used later is used then, by the same storage', async () => {
    const place = join(folder, 'later');
    const storage = createSqliteStorage({ path: join(place, 'records.db') });
    await failureOf(storage.get('jobs', 'a'));
    mkdirSync(place);
    expect(await storage.put(record('a'))).toBe(true);
    await storage.close?.();
  });

  it('is no URL, which may name a database in memory, and holds no NUL', () => {
    for (const path of ['file:records.db?mode=memory', 'FILE::memory:', 'a\0b']) {
      expect(() => createSqliteStorage({ path })).toThrow(/path/);
    }
  });
});

describe('a damaged SQLite file', () => {
  let whole: string;
  beforeAll(async () => {
    whole = await filled();
  });

  it.each([
    ['a page less', -4096],
    ['half a page less', -2048],
    ['its first page alone', 4096],
    ['its first half page alone', 2048],
  ])('of %s gives whole records or says that it is damaged', async (_, size) => {
    const path = copyOf(whole);
    truncateSync(path, size > 0 ? size : statSync(path).size + size);
    expect(await readAll(path)).toBeGreaterThan(0);
  });

  it('with overwritten pages gives whole records or says that it is damaged', async () => {
    const random = randomOf('damaged pages');
    for (let round = 0; round < 5; round += 1) {
      const path = copyOf(whole);
      const pages = statSync(path).size / 4096;
      const file = openSync(path, 'r+');
      for (let count = 0; count < 8; count += 1) {
        const page = Buffer.from(Array.from({ length: 4096 }, () => Math.floor(random() * 256)));
        writeSync(file, page, 0, page.length, (1 + Math.floor(random() * (pages - 1))) * 4096);
      }
      closeSync(file);
      expect(await readAll(path)).toBeGreaterThan(0);
    }
  });

  /** Returns how many reads were refused. */
  async function readAll(path: string): Promise<number> {
    const storage = createSqliteStorage({ path });
    let refused = 0;
    const check = ({ id, data }: StoredRecord): void => expect(data).toBe(dataOf(Number(id.slice(1))));
    for (let index = 0; index < RECORDS; index += 1) {
      const outcome = await storage.get('jobs', `r${index}`).catch((error: unknown) => error);
      if (outcome instanceof Error) refused += isDamage(outcome);
      // A page that is empty now has lost its record.
      else if (outcome !== undefined) check(outcome as StoredRecord);
    }
    const list = await storage.list('jobs', { limit: 1000 }).catch((error: unknown) => error);
    if (list instanceof Error) refused += isDamage(list);
    else for (const item of (list as { items: StoredRecord[] }).items) check(item);
    const write = await storage.put(record('new')).catch((error: unknown) => error);
    if (write instanceof Error) refused += isDamage(write);
    await storage.close?.();
    return refused;
  }

  function isDamage(error: Error): number {
    expect(error).toMatchObject({ name: 'StorageError', code: 'storage_corrupt', retryable: false });
    expect(error.message.length + String(error.cause ?? '').length).toBeLessThan(300);
    return 1;
  }

  it.each([
    ['text that is no JSON', "'secret words'"],
    ['the beginning of JSON', '\'{"a":\''],
    ['bytes', "x'00ff'"],
    ['bytes that look like a number', "x'31'"],
    ['text that is empty', "''"],
  ])('whose data is %s names the record, and quotes nothing', async (_, value) => {
    const path = newPath();
    const first = createSqliteStorage({ path });
    await first.put(record('whole'));
    await first.put(record('damaged'));
    await first.close?.();
    inFile(path, (database) =>
      database.exec(`UPDATE transcription_records SET data = ${value} WHERE id = 'damaged'`),
    );
    const storage = createSqliteStorage({ path });
    for (const read of [storage.get('jobs', 'damaged'), storage.list('jobs', {})]) {
      const error = await failureOf(read);
      expect(error).toMatchObject({ code: 'storage_corrupt', retryable: false });
      expect(error.message).toContain('damaged');
      expect(`${error.stack} ${error.cause}`).not.toContain('secret');
    }
    expect(await storage.get('jobs', 'whole')).toMatchObject({ data: { id: 'whole' } });
    // A new write repairs it.
    expect(await storage.put(record('damaged'))).toBe(true);
    expect(await storage.get('jobs', 'damaged')).toMatchObject({ version: 2 });
    await storage.close?.();
  });
});

describe('a SQLite storage', () => {
  it('that is closed has left everything in its file', async () => {
    const storage = createSqliteStorage({ path: copyOf(await filled()) });
    expect((await storage.list('jobs', { limit: RECORDS })).items).toHaveLength(RECORDS);
    await storage.close?.();
  });

  let storage: StorageAdapter;

  it('keeps ids as they are', async () => {
    storage = createSqliteStorage({ path: newPath() });
    const ids = [
      `a'b`,
      'a"b',
      `'; DROP TABLE transcription_records; --`,
      'a\\',
      '%',
      '_',
      ' ',
      '\n',
      '?1',
      ':id',
    ];
    for (const id of ids) await storage.put(record(id));
    for (const id of ids) expect(await storage.get('jobs', id)).toMatchObject({ id, data: { id } });
    expect(await storage.delete('jobs', '%')).toBe(true);
    expect((await storage.list('jobs', {})).items).toHaveLength(ids.length - 1);
    await storage.close?.();
  });

  it('refuses the cursor of another file', async () => {
    storage = createSqliteStorage({ path: newPath() });
    const other = createSqliteStorage({ path: newPath() });
    for (const each of [storage, other]) for (const id of ['a', 'b']) await each.put(record(id));
    const { nextCursor: cursor = '' } = await other.list('jobs', { limit: 1 });
    expect(cursor).not.toBe('');
    expect(await failureOf(storage.list('jobs', { cursor }))).toMatchObject({ code: 'invalid_option' });
    expect((await other.list('jobs', { cursor })).items).toHaveLength(1);
    await storage.close?.();
    await other.close?.();
  });

  it('keeps a record of 50 MB, and refuses what is larger than maxRecordBytes', async () => {
    storage = createSqliteStorage({ path: newPath(), synchronous: 'normal' });
    const text = 'word '.repeat(10_000_000);
    expect(await storage.put(record('large', { data: { text } }))).toBe(true);
    const read = await storage.get('jobs', 'large');
    // Compared here: a difference would print all of it.
    expect((read?.data as { text?: string } | undefined)?.text === text).toBe(true);
    const error = await failureOf(storage.put(record('larger', { data: 'x'.repeat(64 * 1024 * 1024 + 1) })));
    expect(error).toMatchObject({ code: 'record_too_large', retryable: false });
    expect(await storage.get('jobs', 'larger')).toBeUndefined();
    await storage.close?.();
  });

  it('deletes more records in one transaction than a statement takes parameters', async () => {
    storage = createSqliteStorage({ path: newPath() });
    await storage.put(record('r5'));
    const changes = Array.from({ length: 40_000 }, (_, index) => ({
      type: 'delete' as const,
      collection: 'jobs' as const,
      id: `r${index}`,
    }));
    expect(await storage.transact?.(changes)).toBe(true);
    expect(await storage.get('jobs', 'r5')).toBeUndefined();
    await storage.close?.();
  });
});
