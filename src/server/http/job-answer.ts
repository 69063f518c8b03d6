import type { ErrorData, JobEvent, JobStatus } from '../../contracts/index.js';
import { errorFromData } from '../../errors/from-data.js';
import type { HttpSettings } from './options.js';
import { detailsOf } from './problem.js';

/** A job as the API shows it. */
export type JobAnswer = JobStatus & {
  /** Path of the transcript, of a job that is completed. */
  readonly transcriptUrl?: string;
};

/** One step of a job as the API tells it. */
export type JobEventAnswer = Omit<JobEvent, 'status'> & { readonly status: JobAnswer };

export function jobAnswer(status: JobStatus, { basePath }: Pick<HttpSettings, 'basePath'>): JobAnswer {
  switch (status.state) {
    case 'queued':
      return status.lastError === undefined ? status : { ...status, lastError: shown(status.lastError) };
    case 'completed':
      return {
        ...status,
        transcriptUrl: `${basePath}/transcripts/${encodeURIComponent(status.transcriptId)}`,
      };
    case 'failed':
      return { ...status, error: shown(status.error) };
    default:
      return status;
  }
}

/** An error of a job tells no more than the same error of a request would. */
function shown(error: ErrorData): ErrorData {
  return { ...error, message: detailsOf(errorFromData(error)).detail };
}
