import type { EventSink } from '../contracts/events.js';
import type { JobListQuery, JobStatus } from '../contracts/job.js';
import type { Page, StorageAdapter, StorageCollection } from '../contracts/storage.js';
import type { Transcript } from '../contracts/transcript.js';
import { StorageError, TranscriptionError } from '../errors/index.js';
import { fromStoredRecord, type JobData, type JobRecord, toRecordInput, toStatus } from './record.js';

type Operation = 'get' | 'put' | 'list' | 'delete';

/** Job records in the storage. What the adapter throws leaves here as a typed error and an event. */
export class JobStore {
  readonly #storage: StorageAdapter;
  readonly #emit: EventSink;

  constructor(storage: StorageAdapter, emit: EventSink) {
    this.#storage = storage;
    this.#emit = emit;
  }

  async get(id: string): Promise<JobRecord | undefined> {
    return this.#guard('get', 'jobs', id, async () => {
      const stored = await this.#storage.get('jobs', id);
      return stored && fromStoredRecord(stored);
    });
  }

  /** Resolves to undefined where there is a job with this id already. */
  async create(record: Omit<JobRecord, 'version'>): Promise<JobRecord | undefined> {
    const written = await this.#guard('put', 'jobs', record.id, () =>
      this.#storage.put(toRecordInput(record), { expectedVersion: 0 }),
    );
    return written ? { ...record, version: 1 } : undefined;
  }

  /** Resolves to undefined, having changed nothing, where another writer came in between. */
  async replace(record: JobRecord, data: JobData): Promise<JobRecord | undefined> {
    const { version } = record;
    const written = await this.#guard('put', 'jobs', record.id, () =>
      this.#storage.put(toRecordInput({ ...record, data }), { expectedVersion: version }),
    );
    return written ? { ...record, data, version: version + 1 } : undefined;
  }

  /** Resolves to false where another writer came in between. */
  remove(record: JobRecord): Promise<boolean> {
    return this.#guard('delete', 'jobs', record.id, () =>
      this.#storage.delete('jobs', record.id, { expectedVersion: record.version }),
    );
  }

  async list({ state, ...query }: JobListQuery): Promise<Page<JobStatus>> {
    return this.#guard('list', 'jobs', undefined, async () => {
      const page = await this.#storage.list('jobs', {
        ...query,
        ...(state === undefined ? {} : { status: state }),
      });
      return { ...page, items: page.items.map((stored) => toStatus(fromStoredRecord(stored))) };
    });
  }

  async transcript(id: string): Promise<Transcript | undefined> {
    const stored = await this.#guard('get', 'transcripts', id, () => this.#storage.get('transcripts', id));
    return stored?.data as Transcript | undefined;
  }

  deleteTranscript(id: string): Promise<boolean> {
    return this.#guard('delete', 'transcripts', id, () => this.#storage.delete('transcripts', id));
  }

  /** Runs one operation of the storage, or one that ends in it. */
  async #guard<Value>(
    operation: Operation,
    collection: StorageCollection,
    id: string | undefined,
    run: () => Promise<Value>,
  ): Promise<Value> {
    try {
      return await run();
    } catch (cause) {
      const error = TranscriptionError.isInstance(cause)
        ? cause
        : new StorageError(
            `The storage failed (${operation} ${collection}). The cause says why; try again.`,
            {
              code: 'storage_failed',
              retryable: true,
              cause,
            },
          );
      // A question that was asked wrongly is not the storage's failure.
      if (error.code !== 'invalid_option') {
        this.#emit({
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
}
