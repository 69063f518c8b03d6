import type {
  StorageAdapter,
  StorageChange,
  StorageCollection,
  StoredRecord,
} from '../../contracts/storage.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { defined } from '../../internal/defined.js';
import { checkAdapter, checkBoolean } from '../../internal/validate.js';
import { type EncryptionKeys, KeyRing } from './key-ring.js';
import { RecordCipher } from './record-cipher.js';
import { type RotateOptions, rotateRecords } from './rotate.js';

export interface EncryptedStorageOptions {
  /**
   * Reads also records that are not encrypted, for a storage that was used without encryption before. Whoever can
   * write to the storage can then put in records of his own: leave it out again after a `rotate()`. Default false.
   */
  readonly allowPlain?: boolean;
}

export interface EncryptedStorage extends StorageAdapter {
  /**
   * Writes all records again, with the current key, that are under another one, or under none where `allowPlain` is
   * set. Resolves to how many it has written.
   *
   * Page by page, and each record in one step that holds only where nobody wrote in between: it can run while the
   * storage is used, in two processes at once, and again after it was interrupted. The version of a record counts up.
   *
   * Jobs that are active stay as they are: a worker holds them by their version, and writes them with the current
   * key when they end. So an old key can go after a `rotate()` that began when every process had the new one as
   * `current`, once the jobs that were active at that time have ended; or after one that was `exclusive`.
   *
   * Rejects with a StorageError `decryption_failed` where records could not be read, after all others were written;
   * with `storage_not_atomic` where the storage cannot write in one step; with a BadRequestError where an option is
   * wrong; and with an AbortedError.
   */
  rotate(options?: RotateOptions): Promise<number>;
}

/**
 * A storage that keeps its records encrypted in another one.
 *
 * Encrypted and authenticated is the `data` of each record: text, words, metadata, results. A record with data that
 * was changed, cut, copied from another record or another user, or written with another key, is refused with
 * a StorageError `decryption_failed`; one such record fails the page of a list that it is on.
 *
 * In clear text are the fields that are indexed: collection, id, `userId`, `status`, `createdAt`, `expiresAt` and
 * the version; the name of the key; and about how long the data is. So put nothing secret into ids. Whoever can
 * write to the inner storage can change `status` and the times, delete records, and put an older state of a record
 * back in its place.
 *
 * Stored text is a third longer than the data: that counts towards the `maxRecordBytes` of the inner storage. One
 * key is good for 4 billion writes (2^32): change it before.
 *
 * @throws BadRequestError where an option is wrong. No message holds a key.
 */
export function encryptStorage(
  storage: StorageAdapter,
  keys: EncryptionKeys,
  options: EncryptedStorageOptions = {},
): EncryptedStorage {
  checkAdapter('storage', storage ?? null, ['get', 'put', 'list', 'delete']);
  checkOptions('encryptStorage()', options, ['allowPlain']);
  const { allowPlain = false } = options as EncryptedStorageOptions;
  checkBoolean('allowPlain', allowPlain);
  const cipher = new RecordCipher(new KeyRing('encryptStorage()', keys), allowPlain);
  /** Under the name that was asked for: a record that the storage hands out in the place of another is none. */
  const open = (collection: StorageCollection, id: string, record: StoredRecord): StoredRecord =>
    cipher.open({ ...record, collection, id });
  const innerTransact = storage.transact?.bind(storage);
  const seal = (change: StorageChange): StorageChange =>
    change.type === 'put' ? { ...change, record: cipher.seal(change.record) } : change;
  return {
    capabilities: storage.capabilities,
    async get(collection, id) {
      const record = await storage.get(collection, id);
      return record && open(collection, id, record);
    },
    put: async (record, condition) => storage.put(cipher.seal(record), condition),
    async list(collection, query) {
      const page = await storage.list(collection, query);
      return { ...page, items: page.items.map((record) => open(collection, record.id, record)) };
    },
    delete: async (collection, id, condition) => storage.delete(collection, id, condition),
    ...defined({
      transact:
        innerTransact && (async (changes: readonly StorageChange[]) => innerTransact(changes.map(seal))),
      purge: storage.purge?.bind(storage),
      health: storage.health?.bind(storage),
      close: storage.close?.bind(storage),
    }),
    rotate: async (rotateOptions) => rotateRecords(storage, cipher, rotateOptions),
  };
}
