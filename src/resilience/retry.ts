import pRetry from 'p-retry';
import type { Clock } from '../contracts/index.js';
import {
  addAdvice,
  type ErrorDetails,
  TimeoutError,
  type TranscriptionError,
  toTranscriptionError,
} from '../errors/index.js';
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

const READ_ONCE =
  'It was not retried, because this source can be read only once: pass fromStream(() => createStream()) or ' +
  'fromFile(path), which can be opened again.';

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
    shouldRetry: ({ error }) => run.repeatable && isWorthRetrying(toTranscriptionError(error), run),
    async onFailedAttempt({ error, attemptNumber, retriesLeft }) {
      const failure = toTranscriptionError(error);
      if (retriesLeft <= 0 || !isWorthRetrying(failure, run)) return;
      if (!run.repeatable) return addAdvice(failure, READ_ONCE);
      const delayMs = failure.retryAfterMs ?? backoffDelayMs(attemptNumber, run.policy, run.random);
      run.onRetry({ attempt: attemptNumber, delayMs, error: failure });
      await sleep(run.clock, delayMs, run.signal).catch((ended) => {
        throw withCause(ended, failure);
      });
    },
  });
}

function isWorthRetrying(error: TranscriptionError, { policy, signal }: RetryRun): boolean {
  if (signal.aborted || !error.retryable) return false;
  // Waiting for a place among the waiting would lift the limit on them.
  if (error.code === 'too_many_waiting') return false;
  if (error.retryAfterMs !== undefined && error.retryAfterMs > policy.maxDelayMs) return false;
  return policy.ambiguous || !error.ambiguous;
}

/** Time that runs out during a back-off must not hide why the attempt before it failed. */
function withCause(ended: unknown, cause: TranscriptionError): unknown {
  if (!(ended instanceof TimeoutError)) return ended;
  const { message, code, retryable } = ended;
  return new TimeoutError(`${message} The last attempt failed with ${cause.code}, which is the cause.`, {
    code,
    retryable,
    ambiguous: cause.ambiguous,
    attempt: cause.attempt,
    requestId: cause.requestId,
    cause,
  } as ErrorDetails);
}
