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
import type { RetryBudget } from './retry-budget.js';

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
  readonly budget: Pick<RetryBudget, 'take' | 'onSuccess'>;
  /** False where the audio cannot be read twice. */
  readonly repeatable: boolean;
  readonly random?: () => number;
  onRetry(retry: { attempt: number; delayMs: number; error: TranscriptionError }): void;
}

const READ_ONCE =
  'It was not retried, because this source can be read only once: pass fromStream(() => createStream()) or ' +
  'fromFile(path), which can be opened again.';

const BUDGET_EMPTY =
  'It was not retried, because too many calls fail just now: the reserve of retries (retryBudget) is used up.';

/** Runs attempts until one succeeds or retrying makes no sense. */
export async function retry<Result>(
  run: RetryRun,
  attempt: (number: number) => Promise<Result>,
): Promise<Result> {
  // Most calls succeed at once: the machinery of retries is for those that do not.
  const result = await attempt(1).catch((error) => retryAfter(error, run, attempt));
  run.budget.onSuccess();
  return result;
}

/**
 * p-retry decides and counts, from the failure of the first attempt on; the waiting is done here, on the injected
 * clock, because p-retry's own timers cannot be controlled.
 */
function retryAfter<Result>(
  firstFailure: unknown,
  run: RetryRun,
  attempt: (number: number) => Promise<Result>,
): Promise<Result> {
  let goesOn = false;
  const again = (number: number): Promise<Result> =>
    number === 1 ? Promise.reject(firstFailure) : attempt(number);
  return pRetry(again, {
    retries: run.policy.attempts - 1,
    minTimeout: 0,
    maxTimeout: 0,
    async onFailedAttempt({ error, attemptNumber, retriesLeft }) {
      const failure = toTranscriptionError(error);
      goesOn = retriesLeft > 0 && mayRetry(failure, run);
      if (!goesOn) return;
      const delayMs = failure.retryAfterMs ?? backoffDelayMs(attemptNumber, run.policy, run.random);
      run.onRetry({ attempt: attemptNumber, delayMs, error: failure });
      await sleep(run.clock, delayMs, run.signal).catch((ended) => {
        throw withCause(ended, failure);
      });
    },
    // Asked right after it.
    shouldRetry: () => goesOn,
  });
}

/** Says on the error why a retry that would help is left out. */
function mayRetry(failure: TranscriptionError, run: RetryRun): boolean {
  if (!isWorthRetrying(failure, run)) return false;
  const obstacle = !run.repeatable ? READ_ONCE : run.budget.take() ? undefined : BUDGET_EMPTY;
  if (obstacle !== undefined) addAdvice(failure, obstacle);
  return obstacle === undefined;
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
