import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createStorage, prefixStorage } from 'unstorage';
import fsDriver from 'unstorage/drivers/fs';
import fsLiteDriver from 'unstorage/drivers/fs-lite';
import httpDriver from 'unstorage/drivers/http';
import memoryDriver from 'unstorage/drivers/memory';
import { createStorageServer } from 'unstorage/server';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { createUnstorageStorage } from '../../src/adapters/unstorage/index.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';
import { testStorageContract } from '../../src/testing/contract/storage.js';
import { temporaryFolders } from './unstorage-rig.js';

const runner = { describe, it };
const members = ['purge', 'health'] as const;
const kept = { shared: true, durable: true, atomic: false };
/** Files and connections are slow where other tests run at the same time. */
const timeoutMs = 15_000;
const folders = temporaryFolders();

afterAll(() => folders.removeAll());

/** Opens one more adapter on the place of the first. */
function reopening(open: (place: string) => StorageAdapter, newPlace: () => string) {
  const places = new WeakMap<StorageAdapter, string>();
  const openAt = (place: string): StorageAdapter => {
    const storage = open(place);
    places.set(storage, place);
    return storage;
  };
  return {
    create: () => openAt(newPlace()),
    reopen: (first: StorageAdapter) => openAt(places.get(first) ?? ''),
  };
}

describe('the memory driver', () => {
  testStorageContract(runner, {
    capabilities: { shared: false, durable: false, atomic: false },
    members,
    create: () => createUnstorageStorage(createStorage({ driver: memoryDriver() })),
  });
});

describe.each([
  ['fs', fsDriver],
  ['fs-lite', fsLiteDriver],
])('the %s driver', (_name, driver) => {
  testStorageContract(runner, {
    capabilities: kept,
    members,
    timeoutMs,
    ...reopening(
      (base) =>
        createUnstorageStorage(createStorage({ driver: driver({ base }) }), { shared: true, durable: true }),
      folders.create,
    ),
  });
});

describe('the http driver', () => {
  let server: Server;
  let stores = 0;

  beforeAll(async () => {
    const { handle } = createStorageServer(createStorage({ driver: memoryDriver() }));
    server = createServer(handle as Parameters<typeof createServer>[1]);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  testStorageContract(runner, {
    capabilities: { shared: true, durable: false, atomic: false },
    members,
    timeoutMs,
    ...reopening(
      (prefix) => {
        const { port } = server.address() as AddressInfo;
        const driver = httpDriver({ base: `http://127.0.0.1:${port}/` });
        return createUnstorageStorage(createStorage({ driver }), { prefix, shared: true });
      },
      () => `store-${++stores}`,
    ),
  });
});

describe('a part of a storage', () => {
  testStorageContract(runner, {
    capabilities: { shared: false, durable: false, atomic: false },
    members,
    create: () => createUnstorageStorage(prefixStorage(createStorage({ driver: memoryDriver() }), 'part')),
  });
});

describe('a driver that is mounted at the prefix', () => {
  testStorageContract(runner, {
    capabilities: { shared: false, durable: false, atomic: false },
    members,
    create() {
      const storage = createStorage({ driver: memoryDriver() });
      storage.mount('mounted', memoryDriver());
      return createUnstorageStorage(storage, { prefix: 'mounted:transcripts' });
    },
  });
});
