export type {
  AttemptContext,
  AttemptOptions,
  JobDeps,
  JobSettings,
  TranscribeAttempt,
  TranscriptFacts,
} from './context.js';
export type { EnqueueItem } from './enqueue.js';
export { createJobs, type JobService } from './service.js';
