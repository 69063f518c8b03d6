import type { StorageAdapter } from '../../contracts/storage.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { checkBoolean, checkMethods, checkNumber, invalidOption } from '../../internal/validate.js';
import { toJsonRecord } from '../../records/record.js';
import { Items, type UnstorageLike } from './items.js';
import { probe } from './probe.js';
import { UnstorageRecords } from './records.js';

export interface UnstorageStorageOptions {
  /**
   * Begins all keys: small letters, digits, `_` and `-`, in parts with `:` between them, at most 64 characters. Two
   * storages with different prefixes do not see one another. Default `transcription-client`.
   */
  prefix?: string;
  /**
   * Other processes see what the driver writes. unstorage cannot tell, so you say it: true for Redis, a database or
   * a folder that they share, never for memory. Default false.
   */
  shared?: boolean;
  /** The driver keeps what it has when the process ends. As for `shared`, you say it. Default false. */
  durable?: boolean;
  /** Bytes of the JSON of one record. Larger ones are refused with the code `record_too_large`. Default 67108864 (64 MiB). */
  maxRecordBytes?: number;
}

const KEYS: readonly (keyof UnstorageStorageOptions)[] = ['prefix', 'shared', 'durable', 'maxRecordBytes'];
const METHODS: readonly (keyof UnstorageLike)[] = ['getItem', 'setItem', 'removeItem', 'hasItem', 'getKeys'];
/** Some drivers know no difference between small and capital letters. */
const PREFIX = /^[a-z0-9_-]+(:[a-z0-9_-]+)*$/;
const LONGEST_PREFIX = 64;

/**
 * Keeps records with any driver of unstorage that can write, delete and list all of its keys.
 *
 * ```ts
 * createUnstorageStorage(createStorage({ driver: redisDriver({ url }) }), { shared: true, durable: true });
 * ```
 *
 * No write is atomic: of two processes that write one record with the same condition at the same time, both may be
 * told that it held. A list, and a purge, reads the names of all records of its kind, and then only the records that
 * it hands out: storage for thousands of records, not for millions. A record is as safe as one item of the driver:
 * a driver that overwrites files in place, such as `fs`, leaves a damaged one where the process dies meanwhile.
 * Drivers that drop items by themselves (a cache, a TTL), or that list only some of their keys (`s3` lists
 * 1000), lose records.
 *
 * The storage of unstorage stays yours: closing the client does not dispose it.
 *
 * @throws BadRequestError for options that are unknown or out of range.
 */
export function createUnstorageStorage(
  storage: UnstorageLike,
  options: UnstorageStorageOptions = {},
): StorageAdapter {
  const { prefix, shared, durable, maxRecordBytes } = checked(storage, options);
  const items = new Items(storage);
  const records = new UnstorageRecords(items, prefix);
  return {
    capabilities: { shared, durable, atomic: false },
    get: async (collection, id) => records.get(collection, id),
    put: async (record, condition) =>
      records.put(toJsonRecord(record, maxRecordBytes), condition && { ...condition }),
    list: async (collection, query) => records.list(collection, { ...query }),
    delete: async (collection, id, condition) =>
      records.delete(collection, id, condition && { ...condition }),
    purge: async (collection, query) => records.purge(collection, { ...query }),
    health: async () => probe(items, prefix),
  };
}

function checked(storage: UnstorageLike, options: UnstorageStorageOptions) {
  if (storage === undefined)
    throw invalidOption('storage', 'what createStorage() of unstorage returns', storage);
  checkMethods('storage', storage, METHODS);
  checkOptions('createUnstorageStorage()', options as unknown, KEYS);
  const { prefix = 'transcription-client', shared = false, durable = false, maxRecordBytes } = options;
  if (typeof prefix !== 'string' || prefix.length > LONGEST_PREFIX || !PREFIX.test(prefix)) {
    throw invalidOption(
      'prefix',
      "at most 64 small letters, digits, '_' and '-', in parts with ':' between them",
      prefix,
    );
  }
  checkBoolean('shared', shared);
  checkBoolean('durable', durable);
  checkNumber('maxRecordBytes', maxRecordBytes, { min: 1 });
  return { prefix, shared, durable, maxRecordBytes };
}
