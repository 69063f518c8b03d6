import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StorageAdapter, StorageError } from 'transcription-client';
import { afterAll, describe, expect, it } from 'vitest';
import { createSqliteStorage } from '../../src/adapters/sqlite/index.js';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { rowsInFile } from './storage-rig.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-disk-'));

afterAll(() => rmSync(folder, { recursive: true }));

const READ_ONLY = { name: 'StorageError', code: 'storage_read_only', retryable: false };
const FULL = { name: 'StorageError', code: 'storage_full', retryable: true };

interface Disk {
  readonly path: string;
  mount(options: string): void;
  [Symbol.dispose](): void;
}

/** A disk of its own, in memory. Undefined where this user may not have one. */
function smallDisk(name: string, options: string): Disk | undefined {
  const path = join(folder, name);
  mkdirSync(path);
  const mount = (...flags: readonly string[]): void => {
    execFileSync('mount', [...flags, path], { stdio: 'pipe' });
  };
  try {
    mount('-t', 'tmpfs', '-o', options, 'tmpfs');
  } catch (error) {
    console.log(`Skipped, because no disk can be mounted: ${error instanceof Error ? error.message : error}`);
    rmdirSync(path);
    return undefined;
  }
  return {
    path,
    mount: (flags) => mount('-o', `remount,${flags}`),
    [Symbol.dispose]() {
      // A statement that nobody holds keeps its file open until it is collected.
      execFileSync('umount', ['--lazy', path]);
      rmdirSync(path);
    },
  };
}

/** Files are read-only for nobody who is root. */
async function asSomebodyElse(work: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}

describe('SQLite where nothing can be written', () => {
  /** A file that nobody has open. */
  async function made(folderName: string): Promise<string> {
    const path = join(folder, `${folderName}.db`);
    const storage = createSqliteStorage({ path });
    await storage.put(record('a'));
    await storage.close?.();
    const place = join(folder, folderName);
    mkdirSync(place);
    copyFileSync(path, join(place, 'records.db'));
    return join(place, 'records.db');
  }

  async function expectRefused(storage: StorageAdapter): Promise<void> {
    const calls = [
      () => storage.put(record('b')),
      () => storage.delete('jobs', 'a'),
      () => storage.transact?.([{ type: 'put', record: record('b') }]),
      () => storage.health?.(),
    ];
    for (const call of calls) expect(await failureOf(Promise.resolve(call()))).toMatchObject(READ_ONLY);
  }

  it('reads a file that is read-only', async () => {
    const path = await made('read-only-file');
    chmodSync(join(path, '..'), 0o777);
    chmodSync(folder, 0o755);
    chmodSync(path, 0o444);
    await asSomebodyElse(async () => {
      const storage = createSqliteStorage({ path });
      expect(await storage.get('jobs', 'a')).toBeDefined();
      await expectRefused(storage);
      await storage.close?.();
    });
  });

  it('says so where the folder is read-only', async () => {
    const path = await made('read-only-folder');
    chmodSync(folder, 0o755);
    chmodSync(join(path, '..'), 0o555);
    chmodSync(path, 0o666);
    await asSomebodyElse(async () => {
      const storage = createSqliteStorage({ path });
      await expectRefused(storage);
      await storage.close?.();
    });
  });

  it('says so where the disk is read-only, and works once it is not', async (context) => {
    using disk = smallDisk('read-only-disk', 'size=4m');
    if (disk === undefined) return context.skip();
    const path = join(disk.path, 'records.db');
    copyFileSync(await made('before'), path);
    disk.mount('ro');
    const storage = createSqliteStorage({ path });
    const fresh = createSqliteStorage({ path: join(disk.path, 'new.db') });
    await expectRefused(storage);
    await expectRefused(fresh);
    disk.mount('rw');
    expect(await storage.put(record('b'))).toBe(true);
    expect(await fresh.put(record('b'))).toBe(true);
    await storage.close?.();
    await fresh.close?.();
  });
});

describe('SQLite on a full disk', () => {
  const large = 'x'.repeat(10_000);

  /** Puts records until the disk is full. Returns the ids that were acknowledged. */
  async function fill(storage: StorageAdapter): Promise<string[]> {
    const ids: string[] = [];
    for (;;) {
      const id = `r${ids.length}`;
      const outcome = await storage.put(record(id, { data: large })).catch((error: unknown) => error);
      if (outcome === true) ids.push(id);
      else {
        expect(outcome).toBeInstanceOf(StorageError);
        expect(outcome).toMatchObject(FULL);
        return ids;
      }
    }
  }

  it('says so, keeps what it has acknowledged, and works again once there is room', async (context) => {
    using disk = smallDisk('full', 'size=2m');
    if (disk === undefined) return context.skip();
    const path = join(disk.path, 'records.db');
    const storage = createSqliteStorage({ path });
    const ids = await fill(storage);
    expect(ids.length).toBeGreaterThan(20);
    const both = ['left', 'right'].map((id) => ({
      type: 'put' as const,
      record: record(id, { data: large.repeat(9) }),
    }));
    expect(await failureOf(Promise.resolve(storage.transact?.(both)))).toMatchObject(FULL);
    for (const id of ids) expect(await storage.get('jobs', id)).toMatchObject({ data: large });
    expect(await storage.get('jobs', 'left')).toBeUndefined();
    disk.mount('size=6m');
    expect(await storage.transact?.(both)).toBe(true);
    await storage.close?.();
    const again = createSqliteStorage({ path });
    for (const id of [...ids, 'left', 'right']) expect(await again.get('jobs', id)).toBeDefined();
    await again.close?.();
    expect(rowsInFile(path, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  it('of which some bytes are left says so from the first call on', async (context) => {
    for (const freePages of [0, 1, 2, 3, 5, 8, 9, 10, 12, 16, 20]) {
      using disk = smallDisk(`nearly-full-${freePages}`, 'size=128k');
      if (disk === undefined) return context.skip();
      writeFileSync(join(disk.path, 'other'), Buffer.alloc(131_072 - freePages * 4096));
      const storage = createSqliteStorage({ path: join(disk.path, 'records.db') });
      const outcome = await storage.put(record('a', { data: large })).catch((error: unknown) => error);
      if (outcome !== true) expect(outcome).toMatchObject(FULL);
      rmSync(join(disk.path, 'other'));
      expect(await storage.put(record('a', { data: large }))).toBe(true);
      await storage.close?.();
    }
  });
});
