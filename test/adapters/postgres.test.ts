import { afterAll, beforeAll, describe, it } from 'vitest';
import { createPostgresStorage } from '../../src/adapters/postgres/index.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { testStorageContract } from '../../src/testing/contract/storage.js';
import { type PostgresServer, startPostgres } from '../support/postgres-server.js';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
}, 60_000);

afterAll(() => server[Symbol.asyncDispose]());

describe('PostgreSQL', () => {
  const urls = new WeakMap<StorageAdapter, string>();
  const open = (connectionString: string): StorageAdapter => {
    const storage = createPostgresStorage({ connectionString });
    urls.set(storage, connectionString);
    return storage;
  };
  testStorageContract(
    { describe, it },
    {
      capabilities: { shared: true, durable: true, atomic: true },
      members: ['transact', 'purge', 'health'],
      create: async () => open(await server.createDatabase()),
      reopen: (first) => open(urls.get(first) ?? ''),
    },
  );
});
