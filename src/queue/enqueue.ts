import type { ResolvedSource } from '../contracts/audio-source.js';
import type { EnqueueOptions } from '../contracts/call-options.js';
import type { QueueEntry } from '../contracts/queue.js';
import { BadRequestError, QueueError } from '../errors/index.js';
import { abortError, onAbort, raceAbort, throwIfAborted } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import { createId } from '../internal/ids.js';
import { assertAtomic } from '../records/atomic.js';
import { announce, isoTime, type JobContext } from './context.js';
import { toEntryId } from './entry-id.js';
import { checkEnqueueOptions, checkSource, deepgramOptionsOf } from './options.js';
import type { JobData, JobRecord, JobSource } from './record.js';
import { toFailed } from './transitions.js';

export interface EnqueueItem<Source = ResolvedSource> {
  readonly source: Source;
  readonly options: EnqueueOptions;
}

/** Audio goes into the store this many at a time. */
const UPLOADS_AT_ONCE = 4;

type NewRecord = Omit<JobRecord, 'version'>;

/** The job before its audio has a place. */
interface Draft extends Omit<NewRecord, 'data'> {
  readonly data: Omit<JobData, 'source'>;
}

/**
 * Takes all of the items or none.
 *
 * A job is acknowledged when the storage has its record; the queue gets its id after that. A signal of the options,
 * or `ending`, ends the call until then, and does nothing afterwards: cancel() is for acknowledged jobs.
 */
export async function enqueueAll(
  items: readonly EnqueueItem[],
  context: JobContext,
  ending: AbortSignal,
): Promise<readonly JobRecord[]> {
  const { distributed } = context.queue.capabilities;
  assertAtomic(context.storage, 'Jobs');
  for (const { source, options } of items) {
    checkEnqueueOptions(options);
    checkSource(source, distributed, context.audioStore);
    throwIfAborted(options.signal);
  }
  const drafts = items.map((item) => newDraft(item, context));
  const records = await untilAborted(
    [ending, ...items.map(({ options }) => options.signal)],
    async (call) => {
      const sources = await takeAudio(items, context, call);
      const fresh = drafts.map((draft, index) => ({
        ...draft,
        data: { ...draft.data, source: sources[index] as JobSource },
      }));
      return acknowledge(fresh, context, call.signal);
    },
  );
  for (const [index, record] of records.entries()) {
    context.audio.keep(record.id, (items[index] as EnqueueItem).source);
    if (!distributed) context.feed.startTimer(record.id);
    announce(context, record);
  }
  return handOver(records, items, context);
}

/** Runs what one controller ends: for any of the signals, or for a part that failed. */
async function untilAborted<Value>(
  signals: readonly (AbortSignal | undefined)[],
  run: (call: AbortController) => Promise<Value>,
): Promise<Value> {
  const call = new AbortController();
  const stops = [...new Set(signals)].map((signal) =>
    onAbort(signal, () => call.abort(abortError(signal as AbortSignal))),
  );
  try {
    return await run(call);
  } finally {
    for (const stop of stops) stop();
  }
}

/** The first audio that fails ends the others. */
async function takeAudio(
  items: readonly EnqueueItem[],
  { audio }: JobContext,
  call: AbortController,
): Promise<readonly JobSource[]> {
  const taken: JobSource[] = [];
  for (let index = 0; index < items.length; index += UPLOADS_AT_ONCE) {
    const batch = items.slice(index, index + UPLOADS_AT_ONCE).map(async ({ source }) => {
      try {
        return await audio.take(source, call.signal);
      } catch (error) {
        call.abort(error);
        throw error;
      }
    });
    const results = await Promise.allSettled(batch);
    for (const result of results) if (result.status === 'fulfilled') taken.push(result.value);
    if (!call.signal.aborted) continue;
    for (const source of taken) audio.drop(source);
    throw call.signal.reason;
  }
  return taken;
}

/** Gives an entry to the queue. What it throws leaves as a QueueError. */
export async function addToQueue(entries: readonly QueueEntry[], { queue }: JobContext): Promise<void> {
  try {
    await queue.add(entries);
  } catch (cause) {
    throw new QueueError('The queue did not take the job. The cause says why; enqueue it again.', {
      code: 'queue_failed',
      retryable: true,
      cause,
    });
  }
}

function newDraft({ options }: EnqueueItem, { clock, settings }: JobContext): Draft {
  const { userId, region, timeoutMs, durationSeconds, metadata } = options;
  return {
    id: createId('job'),
    ...defined({ userId }),
    createdAt: isoTime(clock),
    data: snapshot({
      v: 1,
      state: 'queued',
      options: deepgramOptionsOf(options),
      ...defined({ region, timeoutMs, durationSeconds, metadata }),
      priority: options.priority ?? 0,
      maxAttempts: options.attempts ?? settings.attempts,
      attempts: 0,
      rateLimited: 0,
      round: 0,
      runAt: isoTime(clock, options.delayMs),
    }),
  };
}

/** The caller's objects may change later; the job does not. */
function snapshot<Data extends object>(data: Data): Data {
  try {
    return JSON.parse(JSON.stringify(data)) as Data;
  } catch (cause) {
    throw new BadRequestError(
      'The options and metadata of a job must be plain JSON data. The cause says why.',
      {
        code: 'invalid_option',
        cause,
      },
    );
  }
}

async function acknowledge(
  fresh: readonly NewRecord[],
  context: JobContext,
  signal: AbortSignal,
): Promise<readonly JobRecord[]> {
  const writing = context.store.createAll(fresh, isoTime(context.clock));
  try {
    return await raceAbort(writing, signal);
  } catch (error) {
    // The write may still land, or may have landed although its answer was lost.
    const cleanUp = writing.catch(() => undefined).then(() => takeBack(fresh, context));
    context.background(cleanUp);
    if (!signal.aborted) await cleanUp;
    throw error;
  }
}

/** Audio is let go of only where it is sure that no record is there which needs it. */
async function takeBack(fresh: readonly NewRecord[], context: JobContext): Promise<void> {
  await Promise.allSettled(
    fresh.map(async (record) => {
      await context.store.remove({ ...record, version: 1 });
      context.audio.drop(record.data.source);
    }),
  );
}

async function handOver(
  records: readonly JobRecord[],
  items: readonly EnqueueItem[],
  context: JobContext,
): Promise<readonly JobRecord[]> {
  const entries = records.map((record, index) => ({
    id: toEntryId(record),
    priority: record.data.priority,
    delayMs: items[index]?.options.delayMs ?? 0,
  }));
  try {
    await addToQueue(entries, context);
    context.outbox.settle(records);
    return records;
  } catch (error) {
    const removed = await removeRefused(records, context);
    // They are acknowledged: some have begun, or the outbox still has them for a relay.
    if (records.length > 0 && removed.length === 0) return records;
    const data = new QueueError('The queue did not take the job.', { code: 'queue_failed' }).toJSON();
    for (const record of removed) {
      const failed = toFailed(record.data, data, isoTime(context.clock));
      announce(context, { ...record, version: record.version + 1, data: failed });
      context.audio.forget(record);
    }
    throw error;
  }
}

/** Removes records that the queue refused and nobody has changed. Returns those that are gone for good. */
async function removeRefused(
  records: readonly JobRecord[],
  { store }: JobContext,
): Promise<readonly JobRecord[]> {
  if (store.hasOutbox) return (await store.removeAll(records).catch(() => false)) ? records : [];
  const removed = await Promise.all(
    // What such a storage refuses to remove is in no queue, and no relay looks for it.
    records.map(async (record) => ((await store.remove(record).catch(() => true)) ? [record] : [])),
  );
  return removed.flat();
}
