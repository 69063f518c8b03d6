import type {
  Clock,
  EventSink,
  StorageAdapter,
  StorageCollection,
  StorageOperation,
} from './contracts/index.js';
import { StorageError, TranscriptionError } from './errors/index.js';
import { answerWithin } from './internal/answer-within.js';

const NO_JOB = 'job_health';
/** The last resort: the limits of an adapter, which knows what it waits for, are to be shorter. */
const TIMEOUT_MS = 60_000;

/**
 * A storage whose failures are typed errors, each told as an event. One that does not answer fails too: what it was
 * asked for may have been done. It has `health`, and of the other optional members those that the storage has.
 */
export function guardStorage(storage: StorageAdapter, emit: EventSink, clock: Clock): StorageAdapter {
  async function guard<Value>(
    operation: StorageOperation,
    collection: StorageCollection,
    id: string | undefined,
    run: () => Promise<Value>,
  ): Promise<Value> {
    try {
      // A purge takes as long as there is to delete.
      return await (operation === 'purge' ? run() : answerWithin(clock, run(), TIMEOUT_MS, tookTooLong));
    } catch (cause) {
      const error = toStorageError(`${operation} ${collection}`, cause);
      // A question that was asked wrongly is not the storage's failure.
      if (error.code !== 'invalid_option') {
        emit({
          type: 'storage-failure',
          operation,
          collection,
          ...(id === undefined ? {} : { id }),
          code: error.code,
        });
      }
      throw error;
    }
  }
  const guarded: StorageAdapter = {
    capabilities: storage.capabilities,
    get: (collection, id) => guard('get', collection, id, () => storage.get(collection, id)),
    put: (record, condition) =>
      guard('put', record.collection, record.id, () => storage.put(record, condition)),
    list: (collection, query) => guard('list', collection, undefined, () => storage.list(collection, query)),
    delete: (collection, id, condition) =>
      guard('delete', collection, id, () => storage.delete(collection, id, condition)),
    async health() {
      try {
        // A storage that cannot say how it is can be read.
        await (storage.health === undefined ? storage.get('jobs', NO_JOB) : storage.health());
      } catch (cause) {
        throw toStorageError('health', cause);
      }
    },
  };
  const { transact, purge } = storage;
  if (transact !== undefined) {
    guarded.transact = (changes) => {
      const [first] = changes;
      const { collection, id } =
        first?.type === 'put' ? first.record : (first ?? { collection: 'jobs', id: '' });
      return guard('transact', collection, id, () => transact.call(storage, changes));
    };
  }
  if (purge !== undefined) {
    guarded.purge = (collection, query) =>
      guard('purge', collection, undefined, () => purge.call(storage, collection, query));
  }
  return guarded;
}

function toStorageError(operation: string, cause: unknown): TranscriptionError {
  if (TranscriptionError.isInstance(cause)) return cause;
  return new StorageError(`The storage failed (${operation}). The cause says why; try again.`, {
    code: 'storage_failed',
    retryable: true,
    cause,
  });
}

function tookTooLong(): StorageError {
  return new StorageError(`The storage did not answer within ${TIMEOUT_MS} ms. Try again.`, {
    code: 'storage_unavailable',
    retryable: true,
  });
}
