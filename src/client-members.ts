import type {
  Job,
  JobListQuery,
  JobStatus,
  ListQuery,
  Page,
  QueueDepth,
  StoredTranscript,
  Webhooks,
} from './contracts/index.js';
import type { Lifetime } from './lifetime.js';
import type { ClientParts } from './parts.js';
import type { JobService } from './queue/index.js';
import type { TranscriptArchive } from './transcript/archive.js';

/** The jobs of `enqueue()`. */
export interface Jobs {
  /** Undefined where there is no such job. */
  get(id: string): Promise<Job | undefined>;
  /** Newest first. */
  list(query?: JobListQuery): Promise<Page<JobStatus>>;
  /** False where there is no such job, or where it has ended already. */
  cancel(id: string): Promise<boolean>;
  /** Begins a failed or cancelled job anew, with all of its attempts. */
  retry(id: string): Promise<Job>;
  /** Begins all failed jobs anew that fit. Resolves to how many there were. */
  retryFailed(query?: Pick<JobListQuery, 'userId' | 'createdFrom' | 'createdBefore'>): Promise<number>;
  /** Removes the record of a job that has ended; its transcript stays. */
  remove(id: string): Promise<boolean>;
  /** How many entries the queue has. */
  depth(): Promise<QueueDepth>;
}

/** The transcripts in the client's storage. */
export interface Transcripts {
  get(id: string): Promise<StoredTranscript | undefined>;
  /** Newest first. */
  list(query?: ListQuery): Promise<Page<StoredTranscript>>;
  delete(id: string): Promise<boolean>;
}

export interface ClientMembers {
  readonly jobs: Jobs;
  readonly transcripts: Transcripts;
  readonly webhooks: Webhooks;
}

/** What a client gives out beside its own methods. Its calls end with the client. */
export function createMembers({ jobs, engine }: ClientParts, lifetime: Lifetime): ClientMembers {
  const use = <Value>(run: (service: JobService) => Promise<Value>): Promise<Value> =>
    lifetime.trackToEnd(() => jobs.use(run));
  const read = <Value>(run: (archive: TranscriptArchive) => Promise<Value>): Promise<Value> =>
    lifetime.trackToEnd(async () => run((await engine.get()).archive));
  return {
    jobs: {
      get: (id) => use((service) => service.get(id)),
      list: (query) => use((service) => service.list(query)),
      cancel: (id) => use((service) => service.cancel(id)),
      retry: (id) => use((service) => service.retry(id)),
      retryFailed: (query) => use((service) => service.retryFailed(query)),
      remove: (id) => use((service) => service.remove(id)),
      depth: () => use((service) => service.depth()),
    },
    transcripts: {
      get: (id) => read((archive) => archive.get(id)),
      list: (query) => read((archive) => archive.list(query)),
      delete: (id) => read((archive) => archive.delete(id)),
    },
    webhooks: {
      get: (id) => use((service) => service.webhooks.get(id)),
      list: (query) => use((service) => service.webhooks.list(query)),
      redeliver: (id) => use((service) => service.webhooks.redeliver(id)),
    },
  };
}
