import type { RecordInput, StorageAdapter } from '../../contracts/storage.js';
import { StorageError } from '../../errors/index.js';
import { Lazy } from '../../internal/lazy.js';
import { checkNumber } from '../../internal/validate.js';

export interface MemoryStorageOptions {
  /**
   * Records of one kind to keep. One more pushes out the oldest finished one; queued and active jobs are
   * never pushed out. Default 10000.
   */
  maxRecords?: number;
}

/** Keeps records in this process. They end with it. */
export function createMemoryStorage(options: MemoryStorageOptions = {}): StorageAdapter {
  const { maxRecords = 10_000 } = options;
  checkNumber('maxRecords', maxRecords, { min: 1 });
  const records = new Lazy(async () => {
    const { MemoryRecords } = await import('./records.js');
    return new MemoryRecords(maxRecords);
  });
  return {
    capabilities: { shared: false, durable: false, atomic: true },
    get: async (collection, id) => (records.value ?? (await records.get())).get(collection, id),
    async put(record, condition) {
      // At once, and a copy: the caller's objects may change while the rest is loaded.
      const { data: _data, ...envelope } = record;
      const written = { ...envelope, json: toJson(record) };
      return (records.value ?? (await records.get())).put(written, condition);
    },
    list: async (collection, query) =>
      (records.value ?? (await records.get())).list(collection, { ...query }),
    delete: async (collection, id, condition) =>
      (records.value ?? (await records.get())).delete(collection, id, condition),
  };
}

function toJson(record: RecordInput): string {
  try {
    return JSON.stringify(record.data) ?? 'null';
  } catch (cause) {
    throw new StorageError(
      `The record ${record.id} cannot be stored, because JSON cannot say what it holds.`,
      { code: 'storage_failed', cause },
    );
  }
}
