export type { AttemptContext, AttemptOptions, JobSettings } from './context.js';
export { ENQUEUE_KEYS } from './options.js';
export { createJobs, type JobService } from './service.js';
