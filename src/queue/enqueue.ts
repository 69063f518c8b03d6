import type { ResolvedSource } from '../contracts/audio-source.js';
import type { EnqueueOptions } from '../contracts/call-options.js';
import type { QueueEntry } from '../contracts/queue.js';
import { BadRequestError, QueueError, StorageError } from '../errors/index.js';
import { raceAbort, throwIfAborted } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import { createId } from '../internal/ids.js';
import { announce, isoTime, type JobContext } from './context.js';
import { toEntryId } from './entry-id.js';
import { checkEnqueueOptions, checkSource, deepgramOptionsOf } from './options.js';
import { type JobData, type JobRecord, toJobSource } from './record.js';
import { toFailed } from './transitions.js';

export interface EnqueueItem<Source = ResolvedSource> {
  readonly source: Source;
  readonly options: EnqueueOptions;
}

/** Records are written this many at a time. */
const WRITES_AT_ONCE = 50;

type NewRecord = Omit<JobRecord, 'version'>;

/**
 * Takes all of the items or none.
 *
 * A job is acknowledged when the storage has its record; the queue gets its id after that. `signal` ends the
 * call until then, and does nothing afterwards: cancel() is for acknowledged jobs.
 */
export async function enqueueAll(
  items: readonly EnqueueItem[],
  context: JobContext,
): Promise<readonly JobRecord[]> {
  const { distributed } = context.queue.capabilities;
  for (const { source, options } of items) {
    checkEnqueueOptions(options);
    checkSource(source, distributed);
    throwIfAborted(options.signal);
  }
  const drafts = items.map((item) => ({ item, record: newRecord(item, context) }));
  const records: JobRecord[] = [];
  try {
    for (let index = 0; index < drafts.length; index += WRITES_AT_ONCE) {
      const batch = drafts.slice(index, index + WRITES_AT_ONCE);
      const writes = batch.map(({ item, record }) => acknowledge(record, item.options.signal, context));
      const results = await Promise.allSettled(writes);
      for (const result of results) if (result.status === 'fulfilled') records.push(result.value);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    }
  } catch (error) {
    await removeAgain(records, context);
    throw error;
  }
  for (const [index, record] of records.entries()) {
    const draft = drafts[index];
    if (draft !== undefined) context.audio.keep(record.id, draft.item.source);
    if (!distributed) context.feed.startTimer(record.id);
    announce(context, record);
  }
  await handOver(records, items, context);
  return records;
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

function newRecord({ source, options }: EnqueueItem, { clock, settings }: JobContext): NewRecord {
  const { userId, region, timeoutMs, durationSeconds, metadata } = options;
  return {
    id: createId('job'),
    ...defined({ userId }),
    createdAt: isoTime(clock),
    data: snapshot({
      v: 1,
      state: 'queued',
      source: toJobSource(source),
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
function snapshot(data: JobData): JobData {
  try {
    return JSON.parse(JSON.stringify(data)) as JobData;
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
  draft: NewRecord,
  signal: AbortSignal | undefined,
  context: JobContext,
): Promise<JobRecord> {
  const writing = context.store.create(draft);
  let record: JobRecord | undefined;
  try {
    record = await raceAbort(writing, signal);
  } catch (error) {
    // The write may still land, or may have landed although its answer was lost.
    const cleanUp = writing.then(
      (written) => removeAgain(written === undefined ? [] : [written], context),
      () => removeAgain([{ ...draft, version: 1 }], context),
    );
    if (!signal?.aborted) await cleanUp;
    throw error;
  }
  if (record !== undefined) return record;
  throw new StorageError(`There is a job ${draft.id} already. Enqueue it again.`, { code: 'storage_failed' });
}

async function handOver(
  records: readonly JobRecord[],
  items: readonly EnqueueItem[],
  context: JobContext,
): Promise<void> {
  const entries = records.map((record, index) => ({
    id: toEntryId(record),
    priority: record.data.priority,
    delayMs: items[index]?.options.delayMs ?? 0,
  }));
  try {
    await addToQueue(entries, context);
  } catch (error) {
    const removed = await removeAgain(records, context);
    // A queue whose answer was lost may have begun the jobs already: those are acknowledged.
    if (records.length > 0 && removed.length === 0) return;
    const data = new QueueError('The queue did not take the job.', { code: 'queue_failed' }).toJSON();
    for (const record of removed) {
      const failed = toFailed(record.data, data, isoTime(context.clock));
      announce(context, { ...record, version: record.version + 1, data: failed });
      context.audio.forget(record.id);
    }
    throw error;
  }
}

/** Removes records that nobody has changed. What the storage refuses stays, queued, for a reconciliation. */
async function removeAgain(
  records: readonly JobRecord[],
  { store }: JobContext,
): Promise<readonly JobRecord[]> {
  const removed = await Promise.all(
    records.map(async (record) => ((await store.remove(record).catch(() => true)) ? [record] : [])),
  );
  return removed.flat();
}
