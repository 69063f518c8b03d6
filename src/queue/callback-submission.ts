import type { ResolvedSource } from '../contracts/audio-source.js';
import type { EntryOutcome } from '../contracts/queue.js';
import { BadRequestError } from '../errors/index.js';
import type { AttemptContext, AttemptOptions, CallbackDeps, JobContext } from './context.js';
import { isoTime } from './context.js';
import { leftMs } from './entry.js';
import { DONE, writeWithRetries } from './finish.js';
import type { JobRecord, Submission } from './record.js';
import { due, toSubmitted } from './transitions.js';

/** Hands in the audio of an attempt, whose result comes to handleCallback(). */
export async function submitAttempt(
  source: ResolvedSource,
  options: AttemptOptions,
  attempt: AttemptContext,
  run: number,
  callbacks: CallbackDeps | undefined,
): Promise<Submission> {
  if (callbacks === undefined) throw noCallback();
  const secret = callbacks.secrets.sign({ jobId: attempt.jobId, run });
  return { run, ...(await callbacks.submit(source, options, attempt, secret)) };
}

/**
 * Leaves the job to its callback. Its entry stays in the queue, and comes up when the time for the callback is over.
 *
 * Where the storage refuses, the callback completes the job all the same, and the entry that comes up finds a run that
 * looks dead.
 */
export async function awaitCallback(
  record: JobRecord,
  submission: Submission,
  context: JobContext,
): Promise<EntryOutcome> {
  const { clock, callbacks } = context;
  const delayMs = Math.max(1, Math.min(callbacks?.timeoutMs ?? 0, leftMs(record.data, clock.wallMs())));
  const times = { submittedAt: isoTime(clock), ...due(clock, delayMs) };
  try {
    const waiting = await writeWithRetries(record, toSubmitted(record.data, submission, times), context);
    // The callback was there first, or the job was cancelled.
    if (waiting === undefined) return DONE;
  } catch {
    // The store has reported it.
  }
  return { type: 'again', delayMs };
}

export function noCallback(): BadRequestError {
  return new BadRequestError(
    "A job with delivery: 'callback' needs the client option callback: { url, secret }, where it is enqueued, where it " +
      'is worked on and where its callback is handled.',
    { code: 'invalid_option' },
  );
}
