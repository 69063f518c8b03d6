export type { AttemptContext, AttemptOptions, JobSettings } from './context.js';
export { ENQUEUE_KEYS } from './early-checks.js';
export { createLazyJobs } from './lazy-jobs.js';
export type { JobService } from './service.js';
