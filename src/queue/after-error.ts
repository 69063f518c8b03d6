import { RateLimitError, type TranscriptionError } from '../errors/index.js';
import { backoffDelayMs } from '../resilience/backoff.js';
import type { JobSettings } from './context.js';
import type { JobData } from './record.js';

/** How often Deepgram's limit (429) may end an attempt of one job without using it up. */
const MAX_FREE_RATE_LIMITS = 20;

/** Deepgram's own wish is honoured up to this. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

export type AfterError =
  | { readonly type: 'fail' }
  | {
      readonly type: 'again';
      readonly delayMs: number;
      /** False where the attempt was refused by the limit, not made. */
      readonly attemptCounts: boolean;
    };

/** What becomes of a job whose attempt failed. The error itself says whether a retry can help. */
export function decideAfterError(
  error: TranscriptionError,
  data: Pick<JobData, 'attempts' | 'maxAttempts' | 'rateLimited'>,
  settings: Pick<JobSettings, 'backoffMs' | 'maxBackoffMs'>,
  random: (() => number) | undefined,
): AfterError {
  if (!error.retryable && !error.ambiguous) return { type: 'fail' };
  const isFree =
    error instanceof RateLimitError &&
    // Nothing was sent: the job waits for as long as the owner's own limit lasts.
    (error.code === 'spend_limit' || data.rateLimited < MAX_FREE_RATE_LIMITS);
  if (!isFree && data.attempts >= data.maxAttempts) return { type: 'fail' };
  const failures = isFree ? data.rateLimited + 1 : data.attempts;
  const limits = { minDelayMs: settings.backoffMs, maxDelayMs: settings.maxBackoffMs };
  const delayMs =
    error.retryAfterMs === undefined
      ? backoffDelayMs(failures, limits, random)
      : Math.min(error.retryAfterMs, LONGEST_RETRY_AFTER_MS);
  return { type: 'again', delayMs, attemptCounts: !isFree };
}
