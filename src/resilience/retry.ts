import pRetry from 'p-retry';
import type { Clock } from '../contracts/index.js';
import { type TranscriptionError, toTranscriptionError } from '../errors/index.js';
import { sleep } from '../internal/sleep.js';
import { backoffDelayMs } from './backoff.js';

export interface RetryPolicy {
  /** Attempts in all. */
  readonly attempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Retry also where the failed attempt may have been processed. */
  readonly ambiguous: boolean;
}

export interface RetryRun {
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** False where the audio cannot be read twice. */
  readonly repeatable: boolean;
  readonly random?: () => number;
  onRetry(retry: { attempt: number; delayMs: number; error: TranscriptionError }): void;
}

/**
 * Runs attempts until one succeeds or retrying makes no sense.
 *
 * p-retry decides and counts; the waiting is done here, on the injected clock, because p-retry's own timers
 * cannot be controlled.
 */
export function retry<Result>(run: RetryRun, attempt: (number: number) => Promise<Result>): Promise<Result> {
  return pRetry(attempt, {
    retries: run.policy.attempts - 1,
    minTimeout: 0,
    maxTimeout: 0,
    shouldRetry: ({ error }) => isWorthRetrying(toTranscriptionError(error), run),
    async onFailedAttempt({ error, attemptNumber, retriesLeft }) {
      const failure = toTranscriptionError(error);
      if (retriesLeft <= 0 || !isWorthRetrying(failure, run)) return;
      const delayMs = delayAfter(failure, attemptNumber, run);
      run.onRetry({ attempt: attemptNumber, delayMs, error: failure });
      await sleep(run.clock, delayMs, run.signal);
    },
  });
}

function isWorthRetrying(error: TranscriptionError, { policy, repeatable, signal }: RetryRun): boolean {
  if (signal.aborted || !repeatable || !error.retryable) return false;
  if (error.retryAfterMs !== undefined && error.retryAfterMs > policy.maxDelayMs) return false;
  return policy.ambiguous || !error.ambiguous;
}

function delayAfter(error: TranscriptionError, attempt: number, { policy, random }: RetryRun): number {
  return error.retryAfterMs ?? backoffDelayMs(attempt, policy, random);
}
