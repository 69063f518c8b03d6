import type { StorageCapabilities } from '../contracts/storage.js';
import { StorageError } from '../errors/index.js';

/** @throws StorageError where two writers could both believe that they took the same record. */
export function assertAtomic({ atomic }: StorageCapabilities, what: string): void {
  if (atomic) return;
  throw new StorageError(
    `${what} need a storage whose conditional writes are atomic, and this one states atomic: false. Use the ` +
      'storage in memory, SQLite or PostgreSQL for them.',
    { code: 'storage_not_atomic' },
  );
}
