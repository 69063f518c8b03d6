import type { ErrorData } from '../contracts/error-data.js';
import type { EntryOutcome } from '../contracts/queue.js';
import type { RecordInput } from '../contracts/storage.js';
import type { Transcript } from '../contracts/transcript.js';
import { defined } from '../internal/defined.js';
import { sleep } from '../internal/sleep.js';
import { toTranscriptRecord } from '../transcript/archive.js';
import { announce, type HeldEnd, isoTime, type JobContext, tellOfEnd } from './context.js';
import type { JobData, JobRecord } from './record.js';
import { toCompleted, toFailed } from './transitions.js';
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
  const data = toCompleted(record.data, transcript.id, isoTime(context.clock));
  return finish({ record: { ...record, data, version: record.version + 1 }, transcript }, signal, context);
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

/** Tries again to store the end of a job that the storage refused before. Deepgram is not called again. */
export async function storeHeldEnd(held: HeldEnd, context: JobContext): Promise<EntryOutcome> {
  try {
    const stored = await storeEnd(held, context);
    context.held.delete(held.record.id);
    if (stored === undefined) await dropTranscript(held, context);
    else tellOfEnd(stored, context);
    return DONE;
  } catch {
    return later(context);
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
  return present !== undefined && isSameStep(present.data, data) ? present : undefined;
}

async function finish(end: HeldEnd, signal: AbortSignal, context: JobContext): Promise<EntryOutcome> {
  try {
    const stored = await storeEnd(end, context);
    if (stored === undefined) await dropTranscript(end, context);
    else announce(context, stored);
    return DONE;
  } catch {
    context.held.set(end.record.id, end);
    // Its audio stays: if this process ends now, the job has to be run again.
    context.feed.publish(end.record);
    return context.queue.capabilities.distributed ? untilStored(end, signal, context) : later(context);
  }
}

/**
 * Only this process holds the end: another one that got the entry would pay for the audio again. So this one keeps the
 * entry, and the place in its worker, until the storage takes it.
 */
async function untilStored(end: HeldEnd, signal: AbortSignal, context: JobContext): Promise<EntryOutcome> {
  for (;;) {
    const outcome = await storeHeldEnd(end, context);
    if (outcome.type === 'done' || signal.aborted) return outcome;
    await sleep(context.clock, outcome.delayMs, signal).catch(() => undefined);
  }
}

/** Undefined where another writer came in between. Rejects where the storage does, after a few tries. */
export async function storeEnd(
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
export function messageOf(
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

/** No result appears after a job was cancelled or removed. In one step with the end, none was stored. */
export async function dropTranscript({ transcript }: HeldEnd, { store }: JobContext): Promise<void> {
  if (store.hasTransactions) return;
  // Where this fails the transcript stays, and the store has reported it.
  if (transcript !== undefined) await store.deleteTranscript(transcript.id).catch(() => false);
}

function isSameStep(left: JobData, right: JobData): boolean {
  const keys = ['state', 'round', 'attempts', 'rateLimited', 'runAt', 'finishedAt', 'transcriptId'] as const;
  return keys.every((key) => left[key] === right[key]);
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
