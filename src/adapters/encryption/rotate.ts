import type { StorageAdapter, StorageCollection, StoredRecord } from '../../contracts/storage.js';
import { BadRequestError, StorageError } from '../../errors/index.js';
import { throwIfAborted } from '../../internal/abort.js';
import { checkOptions, checkSignal } from '../../internal/check-arguments.js';
import { defined } from '../../internal/defined.js';
import { checkBoolean, checkNumber } from '../../internal/validate.js';
import { isCollection } from '../../records/record.js';
import type { RecordCipher } from './record-cipher.js';

export interface RotateOptions {
  /** Default: all of them. */
  readonly collections?: readonly StorageCollection[];
  /** Records that are in memory at a time, 1 to 1000. Default 20. */
  readonly pageSize?: number;
  /**
   * Nothing else uses the storage meanwhile. Then jobs that are active are written too, and the storage need not
   * be atomic. Default false.
   */
  readonly exclusive?: boolean;
  /** Ends it between two records. What was written stays. */
  readonly signal?: AbortSignal;
}

const ALL: readonly StorageCollection[] = ['transcripts', 'jobs', 'idempotency', 'outbox', 'webhooks'];
const PAGE_SIZE = 20;

/** As `rotate()` of an encrypted storage says. The storage is the inner one, whose records tell their key. */
export async function rotateRecords(
  storage: StorageAdapter,
  cipher: RecordCipher,
  options: RotateOptions = {},
): Promise<number> {
  checkRotateOptions(options);
  const { collections = ALL, pageSize = PAGE_SIZE, exclusive = false, signal } = options;
  if (!storage.capabilities.atomic && !exclusive) throw notAtomic();
  const isLeft = (record: StoredRecord): boolean =>
    cipher.isCurrent(record) || (isHeld(record) && !exclusive);
  let written = 0;
  let unreadable = 0;
  let firstFailure: StorageError | undefined;
  for (const collection of collections) {
    for await (const record of recordsOf(storage, collection, pageSize)) {
      throwIfAborted(signal);
      try {
        if (await writeAgain(storage, cipher, record, isLeft)) written += 1;
      } catch (error) {
        if (!(error instanceof StorageError && error.code === 'decryption_failed')) throw error;
        unreadable += 1;
        firstFailure ??= error;
      }
    }
  }
  if (firstFailure !== undefined) throw incomplete(unreadable, firstFailure, written);
  return written;
}

function checkRotateOptions(options: RotateOptions): void {
  checkOptions('rotate()', options, ['collections', 'pageSize', 'exclusive', 'signal']);
  const { collections, pageSize, exclusive, signal } = options;
  if (collections !== undefined && !(Array.isArray(collections) && collections.every(isCollection))) {
    throw new BadRequestError('The option collections must be an array of collections.', {
      code: 'invalid_option',
    });
  }
  checkNumber('pageSize', pageSize, { min: 1, max: 1000 });
  checkBoolean('exclusive', exclusive);
  checkSignal(signal);
}

/** A page at a time. A record that is written again keeps its place in the list. */
async function* recordsOf(
  storage: StorageAdapter,
  collection: StorageCollection,
  limit: number,
): AsyncGenerator<StoredRecord> {
  let cursor: string | undefined;
  do {
    const page = await storage.list(collection, { limit, ...defined({ cursor }) });
    for (const record of page.items) yield { ...record, collection };
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** Invariant: when it resolves, the record is gone, was left on purpose, or is under the current key. */
async function writeAgain(
  storage: StorageAdapter,
  cipher: RecordCipher,
  listed: StoredRecord,
  isLeft: (record: StoredRecord) => boolean,
): Promise<boolean> {
  if (isLeft(listed)) return false;
  const { collection, id } = listed;
  for (;;) {
    // Not as it was listed: what was deleted and written again since then may have the same version.
    const stored = await storage.get(collection, id);
    const record = stored && { ...stored, collection, id };
    if (record === undefined || isLeft(record)) return false;
    const sealed = cipher.seal(cipher.open(record));
    // Where it is false somebody wrote in between, perhaps a process that does not know the current key yet.
    if (await storage.put(sealed, { expectedVersion: record.version })) return true;
  }
}

/** A worker that finds another version than its own takes the job for another worker's, and drops its transcript. */
function isHeld({ collection, status }: StoredRecord): boolean {
  return collection === 'jobs' && status === 'active';
}

function notAtomic(): StorageError {
  return new StorageError(
    'This storage cannot write in one step, so a rotate() could undo what others write. Stop all that uses it, and call rotate({ exclusive: true }).',
    { code: 'storage_not_atomic' },
  );
}

function incomplete(count: number, first: StorageError, written: number): StorageError {
  return new StorageError(
    `${written} records were written with the current key, and ${count} could not be read. The cause says why for the first of them; call rotate() again when they can be read.`,
    { code: 'decryption_failed', cause: first },
  );
}
