import type { ResolvedSource } from '../contracts/audio-source.js';
import type { EnqueueOptions } from '../contracts/call-options.js';
import type { QueueEntry } from '../contracts/queue.js';
import { QueueError } from '../errors/index.js';
import { abortError, onAbort, raceAbort, throwIfAborted } from '../internal/abort.js';
import { assertAtomic } from '../records/atomic.js';
import { announce, isoTime, type JobContext } from './context.js';
import { type Draft, type NewRecord, newDraft, withSource } from './draft.js';
import { toEntry } from './entry.js';
import { assertSameAudio, findKey, type JobKey, jobKeyOf, type KnownKey, toKeyChange } from './job-keys.js';
import { checkEnqueueOptions, checkSource } from './options.js';
import type { JobRecord, JobSource } from './record.js';
import { toFailed } from './transitions.js';

export interface EnqueueItem<Source = ResolvedSource> {
  readonly source: Source;
  readonly options: EnqueueOptions;
}

/** Audio goes into the store this many at a time. */
const UPLOADS_AT_ONCE = 4;

/** An item on its way to a job: its own, or that of an earlier call with its key. */
interface Order {
  readonly item: EnqueueItem;
  readonly draft: Draft;
  key?: JobKey | undefined;
  known?: KnownKey | undefined;
  /** Its audio, which is taken once: some can be read only once. */
  taken?: JobSource | undefined;
}

/**
 * Takes all of the items or none. Resolves to the ids of their jobs.
 *
 * A job is acknowledged when the storage has its record; the queue gets its id after that. A signal of the options,
 * or `ending`, ends the call until then, and does nothing afterwards: cancel() is for acknowledged jobs.
 */
export async function enqueueAll(
  items: readonly EnqueueItem[],
  context: JobContext,
  ending: AbortSignal,
): Promise<readonly string[]> {
  const { distributed } = context.queue.capabilities;
  assertAtomic(context.storage.capabilities, 'Jobs');
  for (const { source, options } of items) {
    checkEnqueueOptions(options);
    checkSource(source, context.queue.capabilities, context.audioStore);
    throwIfAborted(options.signal);
  }
  const orders: Order[] = items.map((item) => ({ item, draft: newDraft(item.options, context) }));
  const signals = [ending, ...items.map(({ options }) => options.signal)];
  const made = await untilAborted(signals, (call) => settle(orders, context, call));
  for (const [index, record] of made.records.entries()) {
    context.audio.keep(record.id, (made.fresh[index] as Order).item.source);
    if (!distributed) context.feed.startTimer(record.id);
    announce(context, record);
  }
  await handOver(made.records, context);
  return orders.map((_, index) => jobIdOf(orders, index));
}

/** Finds the jobs that are there already, and writes those that are not. */
async function settle(
  orders: readonly Order[],
  context: JobContext,
  call: AbortController,
): Promise<{ readonly fresh: readonly Order[]; readonly records: readonly JobRecord[] }> {
  await readKeys(orders, call.signal);
  for (;;) {
    await findKnown(orders, context, call.signal);
    const fresh = orders.filter((order, index) => jobIdOf(orders, index) === order.draft.id);
    await takeAudio(fresh, context, call);
    const records = await acknowledge(fresh, context, call.signal);
    if (records === undefined) continue;
    for (const order of orders) if (!fresh.includes(order)) letGo(order, context);
    return { fresh, records };
  }
}

/** Another job answers for it. */
function letGo({ item: { source }, taken }: Order, { audio }: JobContext): void {
  if (taken !== undefined) audio.drop(taken);
  if (source.kind !== 'url') source.discard?.();
}

async function readKeys(orders: readonly Order[], signal: AbortSignal): Promise<void> {
  for (const order of orders) {
    const { source, options } = order.item;
    order.key = await jobKeyOf(source, options, signal);
  }
}

async function findKnown(orders: readonly Order[], context: JobContext, signal: AbortSignal): Promise<void> {
  for (const [index, order] of orders.entries()) {
    if (order.key === undefined) continue;
    order.known = await raceAbort(findKey(order.key, context), signal);
    const first = orders.findIndex(({ key }) => key?.id === order.key?.id);
    if (first < index) assertSameAudio(order.key.sourceHash, orders[first]?.key?.sourceHash);
  }
}

/** Of two items with one key the first one makes the job. */
function jobIdOf(orders: readonly Order[], index: number): string {
  const { key, known, draft } = orders[index] as Order;
  if (known?.jobId !== undefined) return known.jobId;
  const first = key && orders.find((order) => order.key?.id === key.id);
  return (first ?? { draft }).draft.id;
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
  orders: readonly Order[],
  { audio }: JobContext,
  call: AbortController,
): Promise<void> {
  const untaken = orders.filter(({ taken }) => taken === undefined);
  for (let index = 0; index < untaken.length; index += UPLOADS_AT_ONCE) {
    const batch = untaken.slice(index, index + UPLOADS_AT_ONCE).map(async (order) => {
      try {
        order.taken = await audio.take(order.item.source, call.signal);
      } catch (error) {
        call.abort(error);
      }
    });
    await Promise.all(batch);
    if (!call.signal.aborted) continue;
    for (const { taken } of orders) if (taken !== undefined) audio.drop(taken);
    throw call.signal.reason;
  }
}

/** Gives an entry to the queue. What it throws leaves as a QueueError. */
export async function addToQueue(
  entries: readonly QueueEntry[],
  { queue }: Pick<JobContext, 'queue'>,
): Promise<void> {
  try {
    await queue.add(entries);
  } catch (cause) {
    if (cause instanceof QueueError) throw cause;
    throw new QueueError('The queue did not take the job. The cause says why; enqueue it again.', {
      code: 'queue_failed',
      retryable: true,
      cause,
    });
  }
}

/** Undefined where another call took one of the keys meanwhile. */
async function acknowledge(
  orders: readonly Order[],
  context: JobContext,
  signal: AbortSignal,
): Promise<readonly JobRecord[] | undefined> {
  if (orders.length === 0) return [];
  const fresh = orders.map(({ draft, taken }) => withSource(draft, taken as JobSource));
  const keys = orders.flatMap(({ key, known, draft }) =>
    key === undefined ? [] : [toKeyChange(key, draft.id, known?.version ?? 0, context)],
  );
  const writing = context.store.createAll(fresh, isoTime(context.clock), keys);
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

/** Rejects, with the jobs gone, where the queue does not take them and the settings say so. */
async function handOver(records: readonly JobRecord[], context: JobContext): Promise<void> {
  if (records.length === 0) return;
  const nowMs = context.clock.wallMs();
  try {
    await addToQueue(
      records.map((record) => toEntry(record, nowMs)),
      context,
    );
    context.outbox.settle(records);
  } catch (error) {
    if (context.settings.whenDown === 'keep' && context.store.hasOutbox) {
      context.outbox.handOverLater(records);
      return;
    }
    const removed = await removeRefused(records, context);
    // They are acknowledged: some have begun, or the outbox still has them for a relay.
    if (removed.length === 0) return;
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
