import { jobAnswer } from '../job-answer.js';
import { json } from '../json.js';
import { ownJob, statusOf } from '../owned.js';
import { HttpProblem } from '../problem.js';
import type { Route } from '../types.js';

/** `GET /jobs/:id`: how the job is. */
export const jobRoute: Route = {
  method: 'GET',
  path: '/jobs/:id',
  scope: 'read',
  async handle(call) {
    const { status } = await ownJob(call);
    return json(jobAnswer(status, call.settings));
  },
};

/** `DELETE /jobs/:id`: ends the job, an active one down to its HTTP request. */
export const cancelJobRoute: Route = {
  method: 'DELETE',
  path: '/jobs/:id',
  scope: 'transcribe',
  async handle(call) {
    const { job } = await ownJob(call);
    const isCancelled = await job.cancel();
    // Also a job that was removed meanwhile is answered as one that is not there.
    const status = await statusOf(job);
    if (!isCancelled) throw hasEnded(status.state);
    return json(jobAnswer(status, call.settings));
  },
};

function hasEnded(state: string): HttpProblem {
  return new HttpProblem({
    status: 409,
    code: 'job_state',
    detail: `The job is ${state}. Only a job that has not ended can be cancelled.`,
  });
}
