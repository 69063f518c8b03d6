import type { AudioStore, Clock, PurgeQuery, StorageAdapter, StorageCollection } from './contracts/index.js';
import type { StoredRecord } from './contracts/storage.js';
import { checkOptions } from './internal/check-arguments.js';
import { defined } from './internal/defined.js';
import { isIsoTime } from './internal/iso-time.js';
import { checkString, invalidOption } from './internal/validate.js';

/** What `purge()` takes away. */
export interface PurgeOptions {
  /** Transcripts, and jobs that have ended, that were created before this time: a Date, or as `toISOString()` writes it. */
  before: Date | string;
  /** Only those of this user. */
  userId?: string;
}

/** How many records `purge()` has deleted. */
export interface PurgeResult {
  readonly transcripts: number;
  readonly jobs: number;
  /** Records of idempotency keys whose time is over, whoever's they were. */
  readonly idempotency: number;
  /** Audio in the audio store. */
  readonly audio: number;
}

export interface PurgeParts {
  readonly storage: StorageAdapter;
  readonly audioStore: AudioStore | undefined;
  readonly clock: Clock;
}

/** Jobs with one of these have ended; others are never taken away. */
const ENDED = ['completed', 'failed', 'cancelled'] as const;

/** Takes away what is older than the time. Rejects with a TranscriptionError; what was deleted before stays deleted. */
export async function purge(options: PurgeOptions, parts: PurgeParts): Promise<PurgeResult> {
  checkOptions('purge()', options as unknown, ['before', 'userId']);
  const createdBefore = timeOf(options.before);
  checkString('userId', options.userId);
  if ('userId' in options && options.userId === undefined) {
    // A missing user must not become everybody.
    throw invalidOption('userId', 'a string that is not empty', undefined);
  }
  const { storage, clock } = parts;
  const query = { createdBefore, ...defined({ userId: options.userId }) };
  const ofJobs = await purgeAudioOfJobs(query, parts);
  const jobs = await purgeRecords(storage, 'jobs', { ...query, statuses: ENDED });
  const transcripts = await purgeRecords(storage, 'transcripts', query);
  const expiredBy = new Date(clock.wallMs()).toISOString();
  const idempotency = await purgeRecords(storage, 'idempotency', { expiredBy });
  const leftOver = options.userId === undefined ? await purgeLeftOverAudio(createdBefore, parts) : 0;
  return { transcripts, jobs, idempotency, audio: ofJobs + leftOver };
}

function timeOf(before: unknown): string {
  const time = before instanceof Date && !Number.isNaN(before.getTime()) ? before.toISOString() : before;
  if (isIsoTime(time)) return time;
  throw invalidOption('before', 'a Date, or a time as toISOString() writes it', before);
}

/** Failed and cancelled jobs keep their audio for a retry, which ends with their record. */
async function purgeAudioOfJobs(query: PurgeQuery, { storage, audioStore }: PurgeParts): Promise<number> {
  if (audioStore === undefined) return 0;
  let count = 0;
  for (const status of ENDED) {
    for await (const { data } of recordsOf(storage, 'jobs', query, status)) {
      const { source } = data as { source?: { kind?: unknown; ref?: unknown } };
      if (source?.kind !== 'stored' || typeof source.ref !== 'string') continue;
      if (await audioStore.delete(source.ref)) count += 1;
    }
  }
  return count;
}

/** Audio whose process died before its job was acknowledged. No job that may still need older audio must be there. */
async function purgeLeftOverAudio(
  createdBefore: string,
  { storage, audioStore, clock }: PurgeParts,
): Promise<number> {
  if (audioStore?.purge === undefined) return 0;
  // Younger audio may belong to a job that is being acknowledged just now.
  const dayAgo = new Date(clock.wallMs() - 24 * 3_600_000).toISOString();
  const oldBefore = createdBefore < dayAgo ? createdBefore : dayAgo;
  for (const status of ['queued', 'active']) {
    const { items } = await storage.list('jobs', { status, createdBefore: oldBefore, limit: 1 });
    if (items.length > 0) return 0;
  }
  return audioStore.purge({ createdBefore: oldBefore });
}

/** Record by record where the storage has no purge of its own. */
async function purgeRecords(
  storage: StorageAdapter,
  collection: StorageCollection,
  query: PurgeQuery,
): Promise<number> {
  if (storage.purge !== undefined) return storage.purge(collection, query);
  let count = 0;
  for (const status of query.statuses ?? [undefined]) {
    for await (const { id, version } of recordsOf(storage, collection, query, status)) {
      if (await storage.delete(collection, id, { expectedVersion: version })) count += 1;
    }
  }
  return count;
}

async function* recordsOf(
  storage: StorageAdapter,
  collection: StorageCollection,
  { userId, createdBefore, expiredBy }: PurgeQuery,
  status: string | undefined,
): AsyncGenerator<StoredRecord> {
  const filters = defined({ userId, createdBefore, status });
  for (let cursor: string | undefined; ; ) {
    const page = await storage.list(collection, { ...filters, ...defined({ cursor }) });
    for (const record of page.items) {
      // Looked at once more: a storage that knows no such filter must not lose what is young.
      const isOld = createdBefore === undefined || record.createdAt < createdBefore;
      const isExpired = expiredBy === undefined || (record.expiresAt ?? '\uffff') <= expiredBy;
      if (isOld && isExpired) yield record;
    }
    if (page.nextCursor === undefined) return;
    cursor = page.nextCursor;
  }
}
