export type { AttemptContext, AttemptOptions, JobSettings, WebhookSettings } from './context.js';
export { ENQUEUE_KEYS } from './early-checks.js';
export type { EnqueueItem } from './enqueue.js';
export { createLazyJobs, type LazyJobs } from './lazy-jobs.js';
export type { JobService } from './service.js';
