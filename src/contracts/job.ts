import type { ErrorData } from './error-data.js';
import type { Transcript } from './transcript.js';

interface JobBase {
  readonly id: string;
  readonly userId?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly priority: number;
  /** Attempts begun so far, less those that Deepgram's limit (429) or the close of a worker ended. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

/** A job at one moment. Check `state` and the other fields follow. */
export type JobStatus =
  | (JobBase & {
      readonly state: 'queued';
      /** Why the attempt before failed. */
      readonly lastError?: ErrorData;
    })
  | (JobBase & { readonly state: 'active'; readonly startedAt: string })
  | (JobBase & { readonly state: 'completed'; readonly transcriptId: string; readonly finishedAt: string })
  | (JobBase & { readonly state: 'failed'; readonly error: ErrorData; readonly finishedAt: string })
  | (JobBase & { readonly state: 'cancelled'; readonly finishedAt: string });

export type JobState = JobStatus['state'];

/** How far the attempt of an active job is. */
export interface JobProgress {
  /**
   * `uploading` until the last byte of the audio has left, `processing` while Deepgram works, and also while it fetches
   * a URL, `storing` once the transcript is there.
   */
  readonly phase: 'uploading' | 'processing' | 'storing';
  /** Bytes of the audio that have left. Set where it is uploaded. */
  readonly sentBytes?: number;
  /** Set where it is uploaded and its size is known. */
  readonly totalBytes?: number;
}

/**
 * One step of a job. The last one has the state `completed`, `failed` or `cancelled`.
 *
 * `progress` comes only while an attempt lasts longer than 500 ms, at most twice a second, and is not kept: who begins
 * to follow later has missed it.
 */
export type JobEvent =
  | { readonly type: JobState; readonly status: JobStatus }
  | { readonly type: 'progress'; readonly status: JobStatus; readonly progress: JobProgress };

export interface ResultOptions {
  /** Ends the waiting, not the job. */
  readonly signal?: AbortSignal | undefined;
  /** Longest wait. The job goes on after it. Default: none. */
  readonly timeoutMs?: number | undefined;
}

/**
 * A job that the storage has acknowledged.
 *
 * Once the client is closed, every call on it rejects with an AbortedError `client_closed`.
 */
export interface Job {
  readonly id: string;
  /** Rejects with code `job_not_found` where the record has been removed. */
  status(): Promise<JobStatus>;
  /**
   * Waits for the end of the job.
   *
   * Rejects with the job's own error where it failed, an AbortedError `job_cancelled` where it was cancelled,
   * a TimeoutError after `timeoutMs`, a StorageError `not_found` where its transcript has been deleted, and a
   * BadRequestError where the options are unknown or out of range.
   */
  result(options?: ResultOptions): Promise<Transcript>;
  /** The present state, then each change. Ends after `completed`, `failed` or `cancelled`. */
  events(): AsyncIterable<JobEvent>;
  /**
   * Ends the job, an active one down to its HTTP request. A job that waits for Deepgram's callback ends at once;
   * Deepgram cannot be told, and bills what it took. False where it has ended already.
   */
  cancel(): Promise<boolean>;
}

export interface JobListQuery {
  readonly userId?: string;
  readonly state?: JobState;
  /** Jobs created at this time or after it. ISO 8601, UTC, as `toISOString()` writes it. */
  readonly createdFrom?: string;
  /** Jobs created before this time. */
  readonly createdBefore?: string;
  /** 1 to 1000, default 100. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}
