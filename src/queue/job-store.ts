import type { JobListQuery, JobState, JobStatus } from '../contracts/job.js';
import type {
  Page,
  RecordInput,
  StorageAdapter,
  StorageChange,
  StorageCollection,
  StoredRecord,
} from '../contracts/storage.js';
import type { Transcript } from '../contracts/transcript.js';
import { StorageError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { createTranscriptArchive, type TranscriptArchive } from '../transcript/archive.js';
import { fromStoredRecord, type JobData, type JobRecord, toRecordInput, toStatus } from './record.js';

/** Records are written this many at a time where the storage has no transactions. */
const WRITES_AT_ONCE = 50;

/** Job records in the storage, which reports its own failures. */
export class JobStore {
  readonly #storage: StorageAdapter;
  readonly #transcripts: TranscriptArchive;

  constructor(storage: StorageAdapter) {
    this.#storage = storage;
    this.#transcripts = createTranscriptArchive(storage);
  }

  async get(id: string): Promise<JobRecord | undefined> {
    const stored = await this.#storage.get('jobs', id);
    return stored && fromStoredRecord(stored);
  }

  /**
   * Writes new jobs, all or none where the storage has transactions, the records of their keys, and that the queue has
   * yet to get them.
   *
   * Undefined where somebody else wrote one of the keys. Rejects where one of the jobs is there already.
   */
  async createAll(
    records: readonly Omit<JobRecord, 'version'>[],
    now: string,
    keys: readonly StorageChange[],
  ): Promise<readonly JobRecord[] | undefined> {
    const jobs = records.map((record) => creation(toRecordInput(record)));
    const outbox = this.hasOutbox ? toOutboxRecords(records, now).map(creation) : [];
    if (!this.hasTransactions && !(await this.#writeAll(keys))) return undefined;
    const isWritten = await this.#writeAll([...(this.hasTransactions ? keys : []), ...jobs, ...outbox]);
    if (isWritten) return records.map((record) => ({ ...record, version: 1 }));
    if (keys.length > 0 && this.hasTransactions) return undefined;
    throw new StorageError('There is a job with one of these ids already. Enqueue them again.', {
      code: 'storage_failed',
    });
  }

  /** A page of what the queue has yet to get. */
  async outbox(cursor: string | undefined): Promise<Page<OutboxItem>> {
    const page = await this.#storage.list('outbox', defined({ cursor }));
    return { ...page, items: page.items.map(toOutboxItem) };
  }

  /** The queue has what these items of the outbox name. */
  async handedOver(ids: readonly string[]): Promise<void> {
    await this.#writeAll(ids.map((id) => deletion('outbox', id)));
  }

  /** Resolves to undefined, having changed nothing, where another writer came in between. */
  async replace(record: JobRecord, data: JobData): Promise<JobRecord | undefined> {
    const { version } = record;
    const written = await this.#storage.put(toRecordInput({ ...record, data }), { expectedVersion: version });
    return written ? { ...record, data, version: version + 1 } : undefined;
  }

  get hasTransactions(): boolean {
    return this.#storage.transact !== undefined;
  }

  /**
   * As replace(), and stores what belongs to the end of the job in the same step: a worker that lost its job to another
   * one stores nothing. Without transactions that comes right after it.
   */
  async end(
    record: JobRecord,
    data: JobData,
    others: readonly RecordInput[],
  ): Promise<JobRecord | undefined> {
    if (others.length === 0) return this.replace(record, data);
    const ended = { ...record, data };
    const puts = others.map((other) => ({ type: 'put', record: other }) as const);
    if (!this.hasTransactions) {
      const replaced = await this.replace(record, data);
      // The job has ended: what belongs to it gets more than one chance.
      if (replaced !== undefined) {
        await this.#writeAll(puts).catch(() => this.#writeAll(puts).catch(() => this.#writeAll(puts)));
      }
      return replaced;
    }
    const isWritten = await this.#writeAll([
      ...puts,
      { type: 'put', record: toRecordInput(ended), condition: { expectedVersion: record.version } },
    ]);
    return isWritten ? { ...ended, version: record.version + 1 } : undefined;
  }

  /** As replace(), for a job that the queue has yet to get again. */
  async requeue(record: JobRecord, data: JobData, now: string): Promise<JobRecord | undefined> {
    if (!this.hasOutbox) return this.replace(record, data);
    const queued = { ...record, data };
    const isWritten = await this.#writeAll([
      { type: 'put', record: toRecordInput(queued), condition: { expectedVersion: record.version } },
      ...toOutboxRecords([queued], now).map((record) => ({ type: 'put', record }) as const),
    ]);
    return isWritten ? { ...queued, version: record.version + 1 } : undefined;
  }

  /**
   * Removes all of the jobs or none. Resolves to false where another writer came in between. Needs transactions.
   *
   * Jobs that were created together are removed together, from the first one on: so their item leaves the outbox.
   */
  async removeAll(records: readonly Pick<JobRecord, 'id' | 'version'>[]): Promise<boolean> {
    const jobs = records.map(({ id, version }) => ({
      ...deletion('jobs', id),
      condition: { expectedVersion: version },
    }));
    return this.#writeAll([...jobs, ...outboxIdsOf(records).map((id) => deletion('outbox', id))]);
  }

  /** Resolves to false where another writer came in between. */
  async remove({ id, version }: JobRecord): Promise<boolean> {
    if (this.hasOutbox) return this.removeAll([{ id, version }]);
    return this.#storage.delete('jobs', id, { expectedVersion: version });
  }

  async list({ state, ...query }: JobListQuery): Promise<Page<JobStatus>> {
    const page = await this.#storage.list('jobs', { ...query, ...defined({ status: state }) });
    return { ...page, items: page.items.flatMap(readable).map(toStatus) };
  }

  /** A page of the records in a state, newest first. A record that is damaged is left out. */
  async page(state: JobState, cursor: string | undefined, limit: number): Promise<Page<JobRecord>> {
    const query = { status: state, limit, ...defined({ cursor }) };
    const page = await this.#storage.list('jobs', query);
    return { ...page, items: page.items.flatMap(readable) };
  }

  /** Active jobs of a user, so many at most. */
  async activeOf(userId: string, limit: number): Promise<readonly JobRecord[]> {
    const page = await this.#storage.list('jobs', { userId, status: 'active', limit });
    return page.items.flatMap(readable);
  }

  async transcript(id: string): Promise<Transcript | undefined> {
    return this.#transcripts.get(id);
  }

  /** What a storage in memory has yet to give to the queue ends with the queue. */
  get hasOutbox(): boolean {
    return this.#storage.capabilities.durable && this.#storage.transact !== undefined;
  }

  async #writeAll(changes: readonly StorageChange[]): Promise<boolean> {
    if (this.#storage.transact !== undefined) return this.#storage.transact(changes);
    for (let index = 0; index < changes.length; index += WRITES_AT_ONCE) {
      const batch = changes.slice(index, index + WRITES_AT_ONCE);
      const results = await Promise.allSettled(batch.map((change) => this.#write(change)));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      if (results.some((result) => result.status === 'fulfilled' && !result.value)) return false;
    }
    return true;
  }

  async #write(change: StorageChange): Promise<boolean> {
    if (change.type === 'put') return this.#storage.put(change.record, change.condition);
    return this.#storage.delete(change.collection, change.id, change.condition);
  }

  async deleteTranscript(id: string): Promise<boolean> {
    return this.#transcripts.delete(id);
  }
}

function readable(stored: StoredRecord): readonly JobRecord[] {
  try {
    return [fromStoredRecord(stored)];
  } catch {
    return [];
  }
}

function creation(record: RecordInput): StorageChange {
  return { type: 'put', record, condition: { expectedVersion: 0 } };
}

function deletion(collection: StorageCollection, id: string): Extract<StorageChange, { type: 'delete' }> {
  return { type: 'delete', collection, id };
}

/** Jobs that the queue has yet to get. */
export interface OutboxItem {
  readonly id: string;
  readonly jobIds: readonly string[];
}

/** Jobs of one item: those of a call are few records, and a relay takes them one by one. */
export const JOBS_OF_ITEM = 500;

/** Of jobs that are created together. That of a single one has the id of the job. */
export function outboxIdsOf(jobs: readonly { readonly id: string }[]): readonly string[] {
  const [single] = jobs;
  if (jobs.length === 1 && single !== undefined) return [single.id];
  return jobs.flatMap(({ id }, index) => (index % JOBS_OF_ITEM === 0 ? [`batch_${id}`] : []));
}

function toOutboxRecords(jobs: readonly { readonly id: string }[], now: string): readonly RecordInput[] {
  return outboxIdsOf(jobs).map((id, item) => {
    const start = item * JOBS_OF_ITEM;
    const data = { v: 1, jobIds: jobs.slice(start, start + JOBS_OF_ITEM).map((job) => job.id) };
    return { collection: 'outbox', id, status: 'pending', createdAt: now, data };
  });
}

function toOutboxItem({ id, data }: StoredRecord): OutboxItem {
  const { jobIds } = (data ?? {}) as { jobIds?: unknown };
  return { id, jobIds: Array.isArray(jobIds) ? jobIds.filter((jobId) => typeof jobId === 'string') : [id] };
}
