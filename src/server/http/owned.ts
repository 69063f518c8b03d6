import type { Job, JobStatus, StoredTranscript } from '../../contracts/index.js';
import { TranscriptionError } from '../../errors/index.js';
import { HttpProblem } from './problem.js';
import type { OwnCall } from './types.js';

/** What ids of this library look like: with others the storage need not be asked, and not every one could be. */
const ID = /^[\w-]{1,128}$/;

/** @throws HttpProblem 404 where there is no such job, and in the same words where it is another user's. */
export async function ownJob({
  client,
  params: { id = '' },
  principal,
}: OwnCall): Promise<{ readonly job: Job; readonly status: JobStatus }> {
  const job = ID.test(id) ? await client.jobs.get(id) : undefined;
  if (job === undefined) throw noSuchJob();
  const status = await statusOf(job);
  if (status.userId !== principal.userId) throw noSuchJob();
  return { job, status };
}

/** @throws HttpProblem 404 where its record has been removed. */
export async function statusOf(job: Job): Promise<JobStatus> {
  try {
    return await job.status();
  } catch (error) {
    if (TranscriptionError.isInstance(error) && error.code === 'job_not_found') throw noSuchJob();
    throw error;
  }
}

/** @throws HttpProblem 404 where there is no such transcript, and in the same words where it is another user's. */
export async function ownTranscript({ client, principal }: OwnCall, id: string): Promise<StoredTranscript> {
  const transcript = ID.test(id) ? await client.transcripts.get(id) : undefined;
  if (transcript === undefined || transcript.userId !== principal.userId) throw noSuchTranscript();
  return transcript;
}

export function noSuchTranscript(): HttpProblem {
  return new HttpProblem({ status: 404, code: 'not_found', detail: 'There is no such transcript.' });
}

function noSuchJob(): HttpProblem {
  return new HttpProblem({ status: 404, code: 'job_not_found', detail: 'There is no such job.' });
}
