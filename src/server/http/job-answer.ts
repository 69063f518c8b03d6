import type { ErrorData, JobStatus } from '../../contracts/index.js';
import { errorFromData } from '../../errors/from-data.js';
import type { JobAnswer } from './answers.js';
import type { HttpSettings } from './options.js';
import { detailsOf } from './problem.js';

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
