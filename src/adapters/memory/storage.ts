import type { StorageAdapter } from '../../contracts/storage.js';
import { Lazy } from '../../internal/lazy.js';
import { checkNumber } from '../../internal/validate.js';
import { jsonOf, withJson } from '../../records/json.js';

export interface MemoryStorageOptions {
  /**
   * Records of one kind to keep. One more pushes out the oldest finished one; queued and active jobs are
   * never pushed out. Default 10000.
   */
  maxRecords?: number;
  /** Bytes of the records of one kind, as for `maxRecords`. Default 268435456 (256 MiB). */
  maxBytes?: number;
}

/** Keeps records in this process. They end with it. */
export function createMemoryStorage(options: MemoryStorageOptions = {}): StorageAdapter {
  const { maxRecords = 10_000, maxBytes = 256 * 1024 * 1024 } = options;
  checkNumber('maxRecords', maxRecords, { min: 1 });
  checkNumber('maxBytes', maxBytes, { min: 1 });
  const records = new Lazy(async () => {
    const { MemoryRecords } = await import('./records.js');
    return new MemoryRecords({ maxRecords, maxBytes });
  });
  return {
    capabilities: { shared: false, durable: false, atomic: true },
    get: async (collection, id) => (records.value ?? (await records.get())).get(collection, id),
    async put(record, condition) {
      // At once: the caller's objects may change while the rest is loaded.
      const written = { ...record, json: jsonOf(record) };
      const held = condition && { ...condition };
      return (records.value ?? (await records.get())).put(written, held);
    },
    list: async (collection, query) =>
      (records.value ?? (await records.get())).list(collection, { ...query }),
    delete: async (collection, id, condition) =>
      (records.value ?? (await records.get())).delete(collection, id, condition),
    async transact(changes) {
      const written = changes.map(withJson);
      return (records.value ?? (await records.get())).transact(written);
    },
    purge: async (collection, query) =>
      (records.value ?? (await records.get())).purge(collection, { ...query }),
    health: async () => undefined,
  };
}
