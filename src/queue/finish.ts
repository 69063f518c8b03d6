import type { ErrorData } from '../contracts/error-data.js';
import type { EntryOutcome } from '../contracts/queue.js';
import type { RecordInput } from '../contracts/storage.js';
import type { Transcript } from '../contracts/transcript.js';
import { StorageError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { sleep } from '../internal/sleep.js';
import { toTranscriptRecord } from '../transcript/archive.js';
import { announce, type HeldEnd, isoTime, type JobContext, tellOfEnd } from './context.js';
import { hasEnded, type JobData, type JobRecord } from './record.js';
import { stopReasonOf } from './stop-reason.js';
import { toCancelled, toCompleted, toFailed, toShortFailed } from './transitions.js';
import { toWebhookRecord } from './webhook-record.js';

export const DONE: EntryOutcome = { type: 'done' };

/** Pauses between the tries of one write. Short: a closing worker waits for them. */
const WRITE_PAUSES_MS = [50, 200];

/** Stores the transcript with the end of the job, or before it: a completed job always has its result. */
export async function completeJob(
  record: JobRecord,
  transcript: Transcript,
  signal: AbortSignal,
  context: JobContext,
): Promise<EntryOutcome> {
  return finish(completedEnd(record, transcript, context), signal, context);
}

function completedEnd(record: JobRecord, transcript: Transcript, { clock }: JobContext): HeldEnd {
  const data = toCompleted(record.data, transcript.id, isoTime(clock));
  return { record: { ...record, data, version: record.version + 1 }, transcript };
}

export async function failJob(
  record: JobRecord,
  error: ErrorData,
  signal: AbortSignal,
  context: JobContext,
): Promise<EntryOutcome> {
  const data = toFailed(record.data, error, isoTime(context.clock));
  return finish({ record: { ...record, data, version: record.version + 1 } }, signal, context);
}

/** For an entry that was cancelled in the queue alone: whoever cancels a job writes the record first, as a rule. */
export async function endCancelled(record: JobRecord, context: JobContext): Promise<EntryOutcome> {
  const cancelled = await writeEnd(record, toCancelled(record.data, isoTime(context.clock)), context);
  if (cancelled !== undefined) announce(context, cancelled);
  return DONE;
}

/** Tries again to store the end of a job that the storage refused before. Deepgram is not called again. */
export async function storeHeldEnd(held: HeldEnd, context: JobContext): Promise<EntryOutcome> {
  try {
    const stored = await storeEnd(held, context);
    letGo(held, context);
    if (stored === undefined) await dropTranscript(held, context);
    else {
      tellOfEnd(stored, context);
      context.feed.publishStored(stored);
    }
    return DONE;
  } catch (error) {
    if (!isRefusal(error)) return later(context);
    if (context.queue.capabilities.distributed) letGo(held, context);
    return muchLater(context);
  }
}

/** Writes the state of a job, with a few tries. Undefined where another writer came in between. */
export async function writeWithRetries(
  record: JobRecord,
  data: JobData,
  context: JobContext,
  write = () => context.store.replace(record, data),
): Promise<JobRecord | undefined> {
  const written = await withRetries(write, context);
  if (written !== undefined) return written;
  // A write whose answer was lost looks like somebody else's: compare what it left.
  const present = await withRetries(() => context.store.get(record.id), context);
  return present !== undefined && isSameStep(present, record, data) ? present : undefined;
}

async function finish(end: HeldEnd, signal: AbortSignal, context: JobContext): Promise<EntryOutcome> {
  const { distributed } = context.queue.capabilities;
  try {
    const stored = await storeOverOthers(end, signal, context);
    if (stored === undefined) await dropTranscript(end, context);
    else announce(context, stored);
    return DONE;
  } catch (error) {
    if (isTakenAway(signal)) return DONE;
    // Others may have more luck with the job. It stays in the queue, and out of the way.
    if (isRefusal(error) && distributed) return muchLater(context);
    context.held.set(end.record.id, end);
    // Its audio stays: if this process ends now, the job has to be run again.
    context.feed.publish(end.record);
    if (distributed) return untilStored(end, signal, context);
    return isRefusal(error) ? muchLater(context) : later(context);
  }
}

/**
 * A run that took the job over from this one has lost its lease, or this one has and has yet to hear of it. Either way
 * a transcript is paid for, and the first one that is there is the result of the job.
 */
async function storeOverOthers(
  end: HeldEnd,
  signal: AbortSignal,
  context: JobContext,
): Promise<JobRecord | undefined> {
  const { transcript, record } = end;
  for (let next = end; ; ) {
    const stored = await storeEnd(next, context);
    if (stored !== undefined || transcript === undefined || signal.aborted) return stored;
    // Where that fails it is left to the other one: as far as is known it has the job.
    const present = await context.store.get(record.id).catch(() => undefined);
    const isOver = present === undefined || hasEnded(present.data.state);
    if (isOver || present.data.round !== record.data.round) return undefined;
    next = completedEnd(present, transcript, context);
  }
}

/**
 * Only this process holds the end: another one that got the entry would pay for the audio again. So this one keeps the
 * entry, and the place in its worker, until the storage takes it.
 */
async function untilStored(end: HeldEnd, signal: AbortSignal, context: JobContext): Promise<EntryOutcome> {
  for (;;) {
    const outcome = await storeHeldEnd(end, context);
    if (outcome.type === 'done' || !context.held.has(end.record.id)) return outcome;
    const isLast = signal.aborted;
    if (!isLast) await sleep(context.clock, outcome.delayMs, signal).catch(() => undefined);
    if (isTakenAway(signal)) {
      // What another worker makes of the job counts.
      letGo(end, context);
      return DONE;
    }
    if (isLast) return outcome;
  }
}

function isTakenAway(signal: AbortSignal): boolean {
  return signal.aborted && stopReasonOf(signal) !== 'closed';
}

function letGo(end: HeldEnd, { held }: JobContext): void {
  if (held.get(end.record.id) === end) held.delete(end.record.id);
}

/** Somebody will put these right: what belongs to a job waits for it. */
const PASSING = ['storage_unavailable', 'storage_read_only', 'storage_full'];

/** The storage takes writes, but will never take this one. */
export function isRefusal(error: unknown): error is StorageError {
  return error instanceof StorageError && !error.retryable && !PASSING.includes(error.code);
}

/**
 * Undefined where another writer came in between. Rejects where the storage does, after a few tries.
 *
 * Where the storage will never take the end, the job fails, so that it does end: without its transcript, and where even
 * that is too much, without its metadata.
 */
export async function storeEnd(end: HeldEnd, context: JobContext): Promise<JobRecord | undefined> {
  const { record, transcript } = end;
  const { attempts, error, finishedAt = isoTime(context.clock) } = record.data;
  const before = { ...record, version: record.version - 1 };
  try {
    return await storeWhole(end, context);
  } catch (refusal) {
    if (!isRefusal(refusal)) throw refusal;
    const requestId = transcript?.requestId;
    const reason = error ?? { ...refusal.toJSON(), attempt: attempts, ...defined({ requestId }) };
    if (transcript !== undefined) await dropTranscript(end, context);
    try {
      return await writeEnd(before, toFailed(record.data, reason, finishedAt), context);
    } catch (again) {
      if (!isRefusal(again)) throw again;
      return writeEnd(before, toShortFailed(record.data, reason, finishedAt), context);
    }
  }
}

async function storeWhole(
  { record, transcript }: HeldEnd,
  context: JobContext,
): Promise<JobRecord | undefined> {
  const { data, userId, id } = record;
  const { store } = context;
  const before = { ...record, version: record.version - 1 };
  if (transcript === undefined) return writeEnd(before, data, context);
  const facts = { jobId: id, ...defined({ userId, metadata: data.metadata }), source: data.source.label };
  const message = messageOf(before, data, context, transcript.text);
  if (!store.hasTransactions) {
    await withRetries(() => context.saveTranscript(transcript, facts), context);
    return writeEnd(before, data, context, message);
  }
  return writeEnd(before, data, context, [toTranscriptRecord(transcript, facts), ...message]);
}

/** As writeWithRetries(), for an end: with what belongs to it, by default the message that tells of it. */
export function writeEnd(
  record: JobRecord,
  data: JobData,
  context: JobContext,
  others = messageOf(record, data, context),
): Promise<JobRecord | undefined> {
  return writeWithRetries(record, data, context, () => context.store.end(record, data, others));
}

/** The message that tells of the end of a job, where it asked for one. */
function messageOf(
  record: JobRecord,
  data: JobData,
  { clock }: JobContext,
  text?: string,
): readonly RecordInput[] {
  const message = toWebhookRecord({ ...record, data }, text, isoTime(clock));
  return message === undefined ? [] : [message];
}

function later({ settings }: JobContext): EntryOutcome {
  return { type: 'again', delayMs: settings.backoffMs };
}

function muchLater({ settings }: JobContext): EntryOutcome {
  return { type: 'again', delayMs: settings.maxBackoffMs };
}

/** No result appears after a job was cancelled or removed. In one step with the end, none was stored. */
export async function dropTranscript({ transcript }: HeldEnd, { store }: JobContext): Promise<void> {
  if (store.hasTransactions) return;
  // Where this fails the transcript stays, and the store has reported it.
  if (transcript !== undefined) await store.deleteTranscript(transcript.id).catch(() => false);
}

/** The version too: an older version of the library keeps the step of whom it writes over. */
function isSameStep(present: JobRecord, before: JobRecord, { step }: JobData): boolean {
  return step !== undefined && present.data.step === step && present.version === before.version + 1;
}

async function withRetries<Value>(write: () => Promise<Value>, { clock }: JobContext): Promise<Value> {
  for (const pauseMs of WRITE_PAUSES_MS) {
    try {
      return await write();
    } catch {
      await sleep(clock, pauseMs);
    }
  }
  return write();
}
