import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, describe, it } from 'vitest';
import { createSqliteStorage, type SqliteDatabase } from '../../src/adapters/sqlite/index.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { testStorageContract } from '../../src/testing/contract/storage.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-'));
let files = 0;
const newPath = (): string => join(folder, `records-${++files}.db`);

afterAll(() => rmSync(folder, { recursive: true }));

const members = ['transact', 'purge', 'health'] as const;

describe('SQLite by path', () => {
  const paths = new WeakMap<StorageAdapter, string>();
  const open = (path: string): StorageAdapter => {
    const storage = createSqliteStorage({ path });
    paths.set(storage, path);
    return storage;
  };
  testStorageContract(
    { describe, it },
    {
      capabilities: { shared: true, durable: true, atomic: true },
      members,
      create: () => open(newPath()),
      reopen: (first) => open(paths.get(first) ?? ''),
    },
  );
});

describe('SQLite by a handle in memory', () => {
  testStorageContract(
    { describe, it },
    {
      capabilities: { shared: false, durable: false, atomic: true },
      members,
      create: () => createSqliteStorage({ database: new DatabaseSync(':memory:') as SqliteDatabase }),
    },
  );
});
