import type { Clock } from '../contracts/clock.js';
import type { ErrorData } from '../contracts/error-data.js';
import { defined } from '../internal/defined.js';
import { isoTime } from './context.js';
import type { JobData, Submission } from './record.js';

/** Compared by those alone who write over the same version of a record: so many digits are enough. */
function newStep(): string {
  return globalThis.crypto.randomUUID().slice(0, 8);
}

/** The fields that live longer than one state, for a new step. */
function lasting(data: JobData): Omit<JobData, 'state'> {
  const {
    state: _state,
    startedAt: _startedAt,
    submittedAt: _submittedAt,
    finishedAt: _finishedAt,
    error: _error,
    ...rest
  } = data;
  return { ...rest, step: newStep() };
}

/** When a job is due, as its record holds it. */
export function due(clock: Clock, delayMs: number): Required<Pick<JobData, 'runAt' | 'delayMs'>> {
  return { runAt: isoTime(clock, delayMs), delayMs };
}

export function toActive(data: JobData, startedAt: string): JobData {
  return { ...lasting(data), state: 'active', attempts: data.attempts + 1, startedAt };
}

/** Characters. */
const SHORT_MESSAGE = 200;

/** Enough for late callbacks: each attempt makes one at most. */
const KEPT_SUBMISSIONS = 20;

export function withSubmission(data: JobData, submission: Submission): JobData {
  return { ...data, submissions: [...(data.submissions ?? []), submission].slice(-KEPT_SUBMISSIONS) };
}

/** The job stays active, and waits for its callback until `runAt`. */
export function toSubmitted(
  data: JobData,
  submission: Submission,
  times: { readonly submittedAt: string; readonly runAt: string; readonly delayMs: number },
): JobData {
  return { ...withSubmission(data, submission), ...times, step: newStep() };
}

export interface Requeue {
  readonly runAt: string;
  readonly delayMs: number;
  /** Default: as it is. */
  readonly endsBy?: string | undefined;
  /** False: the attempt that just ended does not count. */
  readonly attemptCounts: boolean;
  readonly rateLimited?: boolean;
  readonly lastError?: ErrorData;
}

export function toQueuedAgain(data: JobData, change: Requeue): JobData {
  return {
    ...lasting(data),
    state: 'queued',
    attempts: change.attemptCounts ? data.attempts : Math.max(0, data.attempts - 1),
    rateLimited: data.rateLimited + (change.rateLimited ? 1 : 0),
    runAt: change.runAt,
    delayMs: change.delayMs,
    ...defined({ endsBy: change.endsBy, lastError: change.lastError }),
  };
}

export function toCompleted(data: JobData, transcriptId: string, finishedAt: string): JobData {
  return { ...lasting(data), state: 'completed', transcriptId, finishedAt };
}

/** Also from an end that could not be stored. */
export function toFailed(data: JobData, error: ErrorData, finishedAt: string): JobData {
  const { transcriptId: _transcriptId, ...rest } = lasting(data);
  return { ...rest, state: 'failed', error, finishedAt };
}

/** Without what can be long and is not needed to begin the job anew. */
export function toShortFailed(data: JobData, { message, ...error }: ErrorData, finishedAt: string): JobData {
  const { metadata: _metadata, lastError: _lastError, submissions: _submissions, ...rest } = data;
  return toFailed(rest, { ...error, message: message.slice(0, SHORT_MESSAGE) }, finishedAt);
}

export function toCancelled(data: JobData, finishedAt: string): JobData {
  return { ...lasting(data), state: 'cancelled', finishedAt };
}

/** A queued job that no queue has: an entry of the round before, wherever it is, is stale. */
export function toTakenOver(data: JobData, now: string): JobData {
  return { ...data, step: newStep(), round: data.round + 1, runAt: data.runAt > now ? data.runAt : now };
}

/** A job that failed or was cancelled begins anew, with all of its attempts. */
export function toNextRound(data: JobData, runAt: string): JobData {
  // The time that the whole job had was that of the rounds before.
  const { lastError: _lastError, endsBy: _endsBy, ...rest } = lasting(data);
  return { ...rest, state: 'queued', attempts: 0, rateLimited: 0, round: data.round + 1, runAt, delayMs: 0 };
}
