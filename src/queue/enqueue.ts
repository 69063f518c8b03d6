import { hashSource, hashWhileRead } from '../audio/content-hash.js';
import type { ResolvedSource } from '../contracts/audio-source.js';
import type { EnqueueOptions } from '../contracts/call-options.js';
import { abortError, onAbort, raceAbort, throwIfAborted } from '../internal/abort.js';
import { assertAtomic } from '../records/atomic.js';
import { announce, isoTime, type JobContext } from './context.js';
import { type Draft, newDraft, withSource } from './draft.js';
import { handOver, takeBack } from './hand-over.js';
import { assertSameAudio, findKey, type JobKey, jobKeyOf, type KnownKey, toKeyChange } from './job-keys.js';
import { checkEnqueueOptions, checkSource } from './options.js';
import type { JobRecord, JobSource } from './record.js';

export interface EnqueueItem<Source = ResolvedSource> {
  readonly source: Source;
  readonly options: EnqueueOptions;
}

/** Audio goes into the store this many at a time. */
const UPLOADS_AT_ONCE = 4;
/** Keys are looked up this many at a time. */
const KEYS_AT_ONCE = 20;

/** An item on its way to a job: its own, or that of an earlier call with its key. */
interface Order {
  readonly item: EnqueueItem;
  readonly draft: Draft;
  key?: JobKey | undefined;
  known?: KnownKey | undefined;
  /** The first item of the call with the same key. */
  first?: Order;
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
  const now = isoTime(context.clock);
  const orders: Order[] = items.map((item) => ({ item, draft: newDraft(item.options, now, context) }));
  const signals = [ending, ...items.map(({ options }) => options.signal)];
  const made = await untilAborted(signals, (call) => settle(orders, context, call));
  for (const [index, record] of made.records.entries()) {
    context.audio.keep(record.id, (made.fresh[index] as Order).item.source);
    if (!distributed) context.feed.startTimer(record.id);
  }
  context.totalTimes.watch(made.records, context);
  const handingOver = handOver(made.records, context);
  // While the queue is asked: a worker comes to a job in a later turn.
  for (const record of made.records) announce(context, record);
  await handingOver;
  if (ending.aborted) {
    // The caller was told that the client is closed.
    context.background(takeBack(made.records, context));
    throw abortError(ending);
  }
  return orders.map(jobIdOf);
}

/** Finds the jobs that are there already, and writes those that are not. */
async function settle(
  orders: readonly Order[],
  context: JobContext,
  call: AbortController,
): Promise<{ readonly fresh: readonly Order[]; readonly records: readonly JobRecord[] }> {
  for (;;) {
    const fresh = await prepare(orders, context, call);
    const records = await acknowledge(fresh, context, call.signal);
    if (records === undefined) continue;
    const own = new Set(fresh);
    for (const order of orders) if (!own.has(order)) letGo(order, context);
    return { fresh, records };
  }
}

/** Those that need a job of their own, with their audio in its place. */
async function prepare(
  orders: readonly Order[],
  context: JobContext,
  call: AbortController,
): Promise<readonly Order[]> {
  try {
    await findKnown(orders, context, call.signal);
    const fresh = orders.filter((order) => jobIdOf(order) === order.draft.id);
    await takeAudio(fresh, context, call);
    return fresh;
  } catch (error) {
    for (const { taken } of orders) if (taken !== undefined) context.audio.drop(taken);
    throw error;
  }
}

/** Another job answers for it. */
function letGo({ item: { source }, taken }: Order, { audio }: JobContext): void {
  if (taken !== undefined) audio.drop(taken);
  if (source.kind !== 'url') source.discard?.();
}

async function findKnown(orders: readonly Order[], context: JobContext, signal: AbortSignal): Promise<void> {
  for (let start = 0; start < orders.length; start += KEYS_AT_ONCE) {
    const part = orders.slice(start, start + KEYS_AT_ONCE);
    await Promise.all(part.map((order) => readKey(order, context, signal)));
  }
  const firsts = new Map<string, Order>();
  for (const order of orders) {
    if (order.key === undefined) continue;
    const first = firsts.get(order.key.id) ?? order;
    firsts.set(order.key.id, first);
    order.first = first;
    assertSameAudio(order.key.sourceHash, first.key?.sourceHash);
  }
}

async function readKey(order: Order, context: JobContext, signal: AbortSignal): Promise<void> {
  const { source, options } = order.item;
  order.key ??= await jobKeyOf(source, options, signal);
  if (order.key === undefined) return;
  order.known = await raceAbort(findKey(order.key, context), signal);
  const { jobId, sourceHash } = order.known;
  if (jobId === undefined || sourceHash === undefined || order.key.sourceHash !== undefined) return;
  // It can be read only once, and nothing else will read it.
  order.key = { ...order.key, sourceHash: await hashSource(source, signal) };
  assertSameAudio(order.key.sourceHash, sourceHash);
}

/** Of two items with one key the first one makes the job. */
function jobIdOf({ known, first, draft }: Order): string {
  return known?.jobId ?? (first ?? { draft }).draft.id;
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

/** Audio with a key is hashed on its way, where it can be read only once. */
async function takeOne(order: Order, audio: JobContext['audio'], signal: AbortSignal): Promise<void> {
  const { item, key } = order;
  if (key === undefined || key.sourceHash !== undefined || item.source.kind === 'url') {
    order.taken = await audio.take(item.source, signal);
    return;
  }
  const { source, hash } = hashWhileRead(item.source);
  order.taken = await audio.take(source, signal);
  order.key = { ...key, sourceHash: hash() };
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
        await takeOne(order, audio, call.signal);
      } catch (error) {
        call.abort(error);
      }
    });
    await Promise.all(batch);
    if (call.signal.aborted) throw call.signal.reason;
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
