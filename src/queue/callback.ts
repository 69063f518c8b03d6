import type { CallbackOutcome, CallbackRequest, CallbackResult } from '../contracts/callback.js';
import { mapCallback, type OpenedCallback, openCallback } from '../deepgram/callback.js';
import { toTranscriptionError } from '../errors/index.js';
import { invalidOption } from '../internal/validate.js';
import { buildTranscript } from '../transcript/build.js';
import { readCallbackBody } from './callback-body.js';
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
 * Takes the result that Deepgram hands in. Whatever came is answered; what the storage cannot take now rejects, so that
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
  const read = await readCallbackBody(request.body, callbacks.maxBodyBytes);
  if (read.type !== 'json') return answer(read.type);
  const { secret, ...callback } = openCallback(read.value);
  const ticket = callbacks.secrets.verify(secret);
  if (ticket === undefined) return answer('forged');
  return { ...answer(await settle(ticket, callback, context)), jobId: ticket.jobId };
}

function answer(outcome: CallbackOutcome): CallbackResult {
  return { httpStatus: HTTP_STATUS[outcome], outcome };
}

type Callback = Omit<OpenedCallback, 'secret'>;

async function settle(
  ticket: CallbackTicket,
  callback: Callback,
  context: JobContext,
): Promise<CallbackOutcome> {
  for (;;) {
    const record = await context.store.get(ticket.jobId);
    if (record === undefined) return 'unknown';
    const { data } = record;
    const known = data.submissions?.find(({ run }) => run === ticket.run);
    if (known !== undefined && known.requestId !== (callback.requestId ?? known.requestId)) return 'swapped';
    if (data.state === 'completed') return 'duplicate';
    if (hasEnded(data.state) || context.held.has(record.id)) return 'stale';
    const outcome = await end(record, ticket, known, callback, context);
    if (outcome !== undefined) return outcome;
  }
}

/** Undefined where somebody else wrote the record in between. */
async function end(
  record: JobRecord,
  { run }: CallbackTicket,
  known: Submission | undefined,
  callback: Callback,
  context: JobContext,
): Promise<CallbackOutcome | undefined> {
  const held = endOf(record, run, known, callback, context);
  // An attempt that another one has followed can still bring the transcript, but no failure.
  if (held.transcript === undefined && !isLatest(record, run)) return 'stale';
  const stored = await storeEnd(held, context);
  if (stored === undefined) {
    await dropTranscript(held, context);
    return undefined;
  }
  if (held.transcript !== undefined) context.callbacks?.billed(stored, held.transcript);
  announce(context, stored);
  if (!isBeingSubmitted(record, run)) leaveQueue(stored, context);
  return held.transcript === undefined ? 'failed' : 'completed';
}

/** The end that the callback makes of its job. */
function endOf(
  record: JobRecord,
  run: number,
  known: Submission | undefined,
  callback: Callback,
  { clock, callbacks }: JobContext,
): HeldEnd {
  const { data } = record;
  const now = isoTime(clock);
  const next = { ...record, version: record.version + 1 };
  try {
    const { requestId, ...result } = mapCallback(callback);
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
    const submitted =
      known === undefined
        ? withSubmission(data, { run, requestId: callback.requestId ?? requestId, region })
        : data;
    return { record: { ...next, data: toCompleted(submitted, transcript.id, now) }, transcript };
  } catch (thrown) {
    // It was processed and is billed, so it is not sent again by itself.
    const error = { ...toTranscriptionError(thrown).toJSON(), attempt: data.attempts };
    return { record: { ...next, data: toFailed(data, error, now) } };
  }
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
