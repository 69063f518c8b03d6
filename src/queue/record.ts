import type { AudioSourceKind } from '../contracts/audio-source.js';
import type { PrerecordedDeepgramOptions } from '../contracts/deepgram-options.js';
import type { ErrorData } from '../contracts/error-data.js';
import type { JobState, JobStatus } from '../contracts/job.js';
import type { RecordInput, StoredRecord } from '../contracts/storage.js';
import { StorageError } from '../errors/index.js';
import { defined } from '../internal/defined.js';

/** Where the audio is: at a URL, in the audio store, or in the process that took the job. */
export type JobSource =
  | { readonly kind: 'url'; readonly url: string; readonly label: string }
  | {
      readonly kind: 'stored';
      readonly ref: string;
      readonly sizeBytes: number;
      readonly contentType?: string;
      readonly audio: Exclude<AudioSourceKind, 'url'>;
      readonly label: string;
    }
  | { readonly kind: 'local'; readonly audio: Exclude<AudioSourceKind, 'url'>; readonly label: string };

/** Where a job tells of its end, as its record holds it. */
export interface JobWebhookData {
  readonly url: string;
  /** Those of the job alone. */
  readonly secrets?: readonly string[];
  readonly includeText?: boolean;
}

/** A request that Deepgram took and whose result comes by callback. */
export interface Submission {
  /**
   * The version of the record that made the attempt active. Unlike the number of an attempt, which one that the limit
   * refused gives back, no two attempts of a job have the same.
   */
  readonly run: number;
  readonly requestId: string;
  readonly region: string;
}

/** A job as the storage holds it: plain JSON data. */
export interface JobData {
  readonly v: 1;
  readonly state: JobState;
  readonly source: JobSource;
  /** Deepgram's options, under Deepgram's names. */
  readonly options: PrerecordedDeepgramOptions;
  readonly region?: string;
  readonly timeoutMs?: number;
  /** ISO 8601, UTC. A job that has not ended by then fails. */
  readonly endsBy?: string;
  /** Of which `endsBy` was made. */
  readonly totalTimeoutMs?: number;
  readonly durationSeconds?: number;
  readonly webhook?: JobWebhookData;
  /** Missing: a worker waits for the result. */
  readonly delivery?: 'callback';
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly attempts: number;
  /** Attempts that Deepgram's limit (429) ended without using one up. */
  readonly rateLimited: number;
  /** Counts the retries of the whole job. Queue entries of an earlier round are stale. */
  readonly round: number;
  /** ISO 8601, UTC. A queued job does not run before it, and the callback of one that waits for it has until then. */
  readonly runAt: string;
  /** The wait of which `runAt` was made, in milliseconds. Missing: not known, as in records of older versions. */
  readonly delayMs?: number;
  /** Of the write that left the record so: a new one each time. Who lost the answer to a write knows it again by this. */
  readonly step?: string;
  readonly startedAt?: string;
  /** ISO 8601, UTC. Set where an active job waits for its callback. */
  readonly submittedAt?: string;
  /** The last ones, of all rounds, the newest at the end. */
  readonly submissions?: readonly Submission[];
  readonly finishedAt?: string;
  readonly lastError?: ErrorData;
  readonly error?: ErrorData;
  readonly transcriptId?: string;
}

export interface JobRecord {
  readonly id: string;
  readonly userId?: string;
  readonly createdAt: string;
  readonly version: number;
  readonly data: JobData;
}

export function toRecordInput(record: Omit<JobRecord, 'version'>): RecordInput {
  const { id, userId, createdAt, data } = record;
  return { collection: 'jobs', id, ...defined({ userId }), status: data.state, createdAt, data };
}

export function fromStoredRecord(stored: StoredRecord): JobRecord {
  const { id, userId, createdAt, version } = stored;
  const data = stored.data as Partial<JobData> | null;
  if (data?.v !== 1) {
    throw new StorageError(
      `The record of job ${id} has a format that this version of the library does not know. Update the library.`,
      { code: 'storage_schema' },
    );
  }
  return { id, ...defined({ userId }), createdAt, version, data: data as JobData };
}

export function hasEnded(state: JobState): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

export function toStatus({ id, userId, createdAt, data }: Omit<JobRecord, 'version'>): JobStatus {
  const base = {
    id,
    ...defined({ userId, metadata: data.metadata }),
    priority: data.priority,
    attempts: data.attempts,
    maxAttempts: data.maxAttempts,
    createdAt,
  };
  // The transitions set the fields that belong to a state; a record changed by hand falls back on its creation.
  const finishedAt = data.finishedAt ?? createdAt;
  switch (data.state) {
    case 'queued':
      return { ...base, state: 'queued', ...defined({ lastError: data.lastError }) };
    case 'active':
      return { ...base, state: 'active', startedAt: data.startedAt ?? createdAt };
    case 'completed':
      return { ...base, state: 'completed', transcriptId: data.transcriptId ?? '', finishedAt };
    case 'failed':
      return { ...base, state: 'failed', error: data.error ?? UNKNOWN_ERROR, finishedAt };
    case 'cancelled':
      return { ...base, state: 'cancelled', finishedAt };
  }
}

const UNKNOWN_ERROR: ErrorData = {
  name: 'TranscriptionError',
  code: 'internal',
  message: 'The job failed, but its record does not say why.',
  retryable: false,
  ambiguous: false,
};
