import type { CallbackOutcome, CallbackRequest, CallbackResult } from '../contracts/callback.js';
import { mapCallback, type OpenedCallback, openCallback } from '../deepgram/callback.js';
import type { MappedResult } from '../deepgram/map-result.js';
import { type TranscriptionError, toTranscriptionError } from '../errors/index.js';
import { invalidOption } from '../internal/validate.js';
import { buildTranscript } from '../transcript/build.js';
import type { CallbackTicket } from './callback-secrets.js';
import { noCallback } from './callback-submission.js';
import { announce, type HeldEnd, isoTime, type JobContext } from './context.js';
import { toEntryId } from './entry.js';
import { dropTranscript, storeEnd } from './finish.js';
import { hasEnded, type JobRecord, type Submission } from './record.js';
import { toCompleted, toFailed, withSubmission } from './transitions.js';

const HTTP_STATUS: Readonly<Record<CallbackOutcome, CallbackResult['httpStatus']>> = {
  completed: 200,
  failed: 200,
  duplicate: 200,
  stale: 200,
  malformed: 400,
  forged: 401,
  unknown: 404,
  swapped: 409,
  'too-large': 413,
};

/**
 * Takes the result that Deepgram hands in. Whatever came is answered; what cannot be read or stored now rejects, so that
 * Deepgram comes again.
 *
 * Every write depends on the version that was read, as a worker's does: of two that end a job, one is passed over.
 */
export async function handleCallback(request: CallbackRequest, context: JobContext): Promise<CallbackResult> {
  const { callbacks } = context;
  if (callbacks === undefined) throw noCallback();
  if (typeof request !== 'object' || request === null || !('body' in request)) {
    throw invalidOption('request of handleCallback()', 'an object { body }, or a fetch Request', request);
  }
  const body = await callbacks.bodies.read(request.body);
  if (body.type !== 'json') return answer(body.type);
  const { secret, ...callback } = openCallback(body.value);
  const ticket = callbacks.secrets.verify(secret);
  if (ticket === undefined) return answer('forged');
  return { ...answer(await settle(ticket, callback, context)), jobId: ticket.jobId };
}

function answer(outcome: CallbackOutcome): CallbackResult {
  return { httpStatus: HTTP_STATUS[outcome], outcome };
}

/** What a callback brings: a transcript, or why it is none. */
type Brought = { readonly result: MappedResult } | { readonly error: TranscriptionError };

function read(callback: Omit<OpenedCallback, 'secret'>): Brought {
  try {
    return { result: mapCallback(callback) };
  } catch (error) {
    return { error: toTranscriptionError(error) };
  }
}

async function settle(
  { jobId, run }: CallbackTicket,
  callback: Omit<OpenedCallback, 'secret'>,
  context: JobContext,
): Promise<CallbackOutcome> {
  const brought = read(callback);
  for (;;) {
    const record = await context.store.get(jobId);
    if (record === undefined) return 'unknown';
    const { state, submissions } = record.data;
    const known = submissions?.find((submission) => submission.run === run);
    if (known !== undefined && known.requestId !== (callback.requestId ?? known.requestId)) return 'swapped';
    if (state === 'completed') return 'duplicate';
    const held = context.held.get(jobId);
    if (hasEnded(state) || held?.record.data.state === 'completed') return 'stale';
    // An attempt that another one has followed can still bring the transcript, but no failure. So it is where a failure
    // is not stored yet: other processes, to which the callback may come as well, do not know of it.
    if ('error' in brought && (held !== undefined || !isLatest(record, run))) return 'stale';
    const end =
      'error' in brought
        ? failedBy(brought.error, record, context)
        : completedBy(brought.result, record, run, known, context);
    const stored = await store(end, record, run, context);
    if (stored !== undefined) return stored.data.state === 'completed' ? 'completed' : 'failed';
  }
}

/** It was processed and is billed, so it is not sent again by itself. */
function failedBy(error: TranscriptionError, { data, ...record }: JobRecord, { clock }: JobContext): HeldEnd {
  const failed = toFailed(data, { ...error.toJSON(), attempt: data.attempts }, isoTime(clock));
  return { record: { ...record, version: record.version + 1, data: failed } };
}

function completedBy(
  { requestId, ...result }: MappedResult,
  { data, ...record }: JobRecord,
  run: number,
  known: Submission | undefined,
  { clock, callbacks }: JobContext,
): HeldEnd {
  const region = known?.region ?? data.region ?? callbacks?.region ?? '';
  const transcript = buildTranscript({
    ...result,
    mode: 'async',
    model: data.options.model ?? callbacks?.model ?? '',
    requestIds: [requestId],
    language: result.language ?? data.options.language,
    region,
    createdAtMs: clock.wallMs(),
  });
  // So that a replay is known again where the callback was here before the answer to its request.
  const submitted = known === undefined ? withSubmission(data, { run, requestId, region }) : data;
  const completed = toCompleted(submitted, transcript.id, isoTime(clock));
  return { record: { ...record, version: record.version + 1, data: completed }, transcript };
}

/** Undefined where somebody else wrote the record in between. */
async function store(
  end: HeldEnd,
  before: JobRecord,
  run: number,
  context: JobContext,
): Promise<JobRecord | undefined> {
  const stored = await storeEnd(end, context);
  if (stored === undefined) {
    await dropTranscript(end, context);
    return undefined;
  }
  context.held.delete(stored.id);
  if (end.transcript !== undefined) context.callbacks?.billed(stored, end.transcript);
  announce(context, stored);
  if (!isBeingSubmitted(before, run)) leaveQueue(stored, context);
  return stored;
}

function isLatest(record: JobRecord, run: number): boolean {
  const { state, submittedAt, submissions } = record.data;
  if (submittedAt === undefined) return isBeingSubmitted(record, run);
  return state === 'active' && submissions?.at(-1)?.run === run;
}

/** The worker has not told yet that Deepgram took the request. */
function isBeingSubmitted({ version, data }: JobRecord, run: number): boolean {
  return data.state === 'active' && data.submittedAt === undefined && version === run;
}

/**
 * In the background, and what fails does no harm: the entry finds a job that has ended. A worker that is still handing
 * in the same attempt is left alone, because its request is none that was cancelled.
 */
function leaveQueue(record: JobRecord, { queue, background }: JobContext): void {
  background(
    queue.cancel(toEntryId(record)).then(
      () => undefined,
      () => undefined,
    ),
  );
}
