import { createBullmqQueue } from '../../../src/adapters/bullmq/index.js';
import { createPostgresStorage } from '../../../src/adapters/postgres/index.js';
import { createSqliteQueue, createSqliteStorage } from '../../../src/adapters/sqlite/index.js';
import type { QueueAdapter } from '../../../src/contracts/queue.js';
import type { StorageAdapter } from '../../../src/contracts/storage.js';
import { type ClientOptions, TranscriptionClient } from '../../../src/index.js';

/** Where processes meet: plain data, so that it can be handed to them. */
export interface Places {
  readonly queue:
    | { readonly kind: 'sqlite'; readonly path: string }
    | { readonly kind: 'bullmq'; readonly url: string; readonly name: string }
    | { readonly kind: 'cluster'; readonly port: number; readonly password: string; readonly shards: number };
  /** A file of SQLite, or a URL of PostgreSQL. */
  readonly storage: string;
  readonly emulator: string;
  /** Lock, or lease. Default 3000. */
  readonly lockMs?: number;
}

const SWEEP_MS = 1000;

export function openQueue({ queue, lockMs = 3000 }: Places): QueueAdapter {
  const times = { lockDurationMs: lockMs, stalledIntervalMs: SWEEP_MS };
  switch (queue.kind) {
    case 'sqlite':
      return createSqliteQueue({ path: queue.path, leaseMs: lockMs });
    case 'bullmq':
      return createBullmqQueue({ connection: queue.url, name: queue.name, ...times });
    case 'cluster': {
      const { port, password, shards } = queue;
      const options = { redisOptions: { password } };
      return createBullmqQueue({
        cluster: { nodes: [{ host: '127.0.0.1', port }], options },
        shards,
        ...times,
      });
    }
  }
}

function openStorage({ storage }: Places): StorageAdapter {
  return storage.startsWith('postgres')
    ? createPostgresStorage({ connectionString: storage, maxConnections: 5 })
    : createSqliteStorage({ path: storage });
}

export function openBackend(places: Places, options: ClientOptions = {}) {
  const storage = openStorage(places);
  const { queue: settings, ...others } = options;
  const client = new TranscriptionClient({
    apiKey: 'test',
    regions: [{ name: 'emulator', endpoint: places.emulator, allowedSources: ['127.0.0.1'] }],
    storage,
    limits: { maxConcurrent: 1000 },
    ...others,
    queue: { adapter: openQueue(places), backoffMs: 100, maxBackoffMs: 500, autoStart: false, ...settings },
  });
  return {
    client,
    storage,
    async close() {
      await client.close({ timeoutMs: 0 });
      await storage.close?.();
    },
  };
}
