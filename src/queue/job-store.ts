import type { JobListQuery, JobStatus } from '../contracts/job.js';
import type { Page, StorageAdapter } from '../contracts/storage.js';
import type { Transcript } from '../contracts/transcript.js';
import { defined } from '../internal/defined.js';
import { fromStoredRecord, type JobData, type JobRecord, toRecordInput, toStatus } from './record.js';

/** Job records in the storage, which reports its own failures. */
export class JobStore {
  readonly #storage: StorageAdapter;

  constructor(storage: StorageAdapter) {
    this.#storage = storage;
  }

  async get(id: string): Promise<JobRecord | undefined> {
    const stored = await this.#storage.get('jobs', id);
    return stored && fromStoredRecord(stored);
  }

  /** Resolves to undefined where there is a job with this id already. */
  async create(record: Omit<JobRecord, 'version'>): Promise<JobRecord | undefined> {
    const written = await this.#storage.put(toRecordInput(record), { expectedVersion: 0 });
    return written ? { ...record, version: 1 } : undefined;
  }

  /** Resolves to undefined, having changed nothing, where another writer came in between. */
  async replace(record: JobRecord, data: JobData): Promise<JobRecord | undefined> {
    const { version } = record;
    const written = await this.#storage.put(toRecordInput({ ...record, data }), { expectedVersion: version });
    return written ? { ...record, data, version: version + 1 } : undefined;
  }

  /** Resolves to false where another writer came in between. */
  async remove(record: JobRecord): Promise<boolean> {
    return this.#storage.delete('jobs', record.id, { expectedVersion: record.version });
  }

  async list({ state, ...query }: JobListQuery): Promise<Page<JobStatus>> {
    const page = await this.#storage.list('jobs', { ...query, ...defined({ status: state }) });
    return { ...page, items: page.items.map((stored) => toStatus(fromStoredRecord(stored))) };
  }

  async transcript(id: string): Promise<Transcript | undefined> {
    const stored = await this.#storage.get('transcripts', id);
    return stored?.data as Transcript | undefined;
  }

  async deleteTranscript(id: string): Promise<boolean> {
    return this.#storage.delete('transcripts', id);
  }
}
