import type { CallbackOutcome, CallbackRequest, CallbackResult } from '../contracts/callback.js';
import { mapCallback, type OpenedCallback, openCallback } from '../deepgram/callback.js';
import { TranscriptionError } from '../errors/index.js';
import { invalidOption } from '../internal/validate.js';
import { buildTranscript } from '../transcript/build.js';
import { readCallbackBody } from './callback-body.js';
import type { CallbackTicket } from './callback-secrets.js';
import { noCallback } from './callback-submission.js';
import { announce, isoTime, type JobContext } from './context.js';
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
export async function handleCallback(
  request: CallbackRequest,
  context: JobContext,
): Promise<CallbackResult> {
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
  try {
    return await complete(record, run, known, callback, context);
  } catch (error) {
    if (!TranscriptionError.isInstance(error) || error.code !== 'invalid_response') throw error;
    // An attempt that has been given up can still bring the transcript, but no failure.
    if (!isLatest(record, run)) return 'stale';
    return fail(record, error, context);
  }
}

async function complete(
  record: JobRecord,
  run: number,
  known: Submission | undefined,
  callback: Callback,
  context: JobContext,
): Promise<CallbackOutcome | undefined> {
  const { clock, callbacks } = context;
  const { data } = record;
  const { requestId, ...result } = mapCallback(callback);
  const region = known?.region ?? data.region ?? callbacks?.region ?? '';
  const transcript = buildTranscript({
    ...result,
    mode: 'async',
    model: data.options.model ?? '',
    requestIds: [requestId],
    language: result.language ?? data.options.language,
    region,
    createdAtMs: clock.wallMs(),
  });
  const submitted = known === undefined ? withSubmission(data, { run, requestId, region }) : data;
  const completed = toCompleted(submitted, transcript.id, isoTime(clock));
  const held = { record: { ...record, data: completed, version: record.version + 1 }, transcript };
  const stored = await storeEnd(held, context);
  if (stored === undefined) {
    await dropTranscript(held, context);
    return undefined;
  }
  callbacks?.billed(stored, transcript);
  ended(stored, record, run, context);
  return 'completed';
}

/** As an answer that is no transcript: it was processed, so it is not sent again by itself. */
async function fail(
  record: JobRecord,
  error: TranscriptionError,
  context: JobContext,
): Promise<CallbackOutcome | undefined> {
  const { data } = record;
  const failed = toFailed(data, { ...error.toJSON(), attempt: data.attempts }, isoTime(context.clock));
  const stored = await storeEnd(
    { record: { ...record, data: failed, version: record.version + 1 } },
    context,
  );
  if (stored === undefined) return undefined;
  announce(context, stored);
  leaveQueue(stored, context);
  return 'failed';
}
