import { afterAll, beforeAll, describe, it } from 'vitest';
import { createPostgresStorage } from '../../src/adapters/postgres/index.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { testStorageContract } from '../../src/testing/contract/storage.js';
import { type PostgresServer, startPostgres } from '../support/postgres-server.mjs';

let server: PostgresServer;
let url: string;

beforeAll(async () => {
  server = await startPostgres();
  url = await server.createDatabase();
}, 60_000);

afterAll(() => server.close(), 60_000);

describe('PostgreSQL', () => {
  let count = 0;
  const tables = new WeakMap<StorageAdapter, string>();
  const open = (table: string): StorageAdapter => {
    const storage = createPostgresStorage({ connectionString: url, table });
    tables.set(storage, table);
    return storage;
  };
  testStorageContract(
    { describe, it },
    {
      capabilities: { shared: true, durable: true, atomic: true },
      members: ['transact', 'purge', 'health'],
      create: () => {
        count += 1;
        return open(`records_${count}`);
      },
      reopen: (first) => open(tables.get(first) ?? ''),
    },
  );
});
