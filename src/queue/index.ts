export type { AttemptContext, AttemptOptions, JobSettings } from './context.js';
export { createJobs, type JobService } from './service.js';
