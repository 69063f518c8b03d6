import type { AudioStore, Clock, PurgeQuery, StorageAdapter, StorageCollection } from './contracts/index.js';
import type { StoredRecord } from './contracts/storage.js';
import { throwIfAborted } from './internal/abort.js';
import { checkOptions } from './internal/check-arguments.js';
import { defined } from './internal/defined.js';
import { isIsoTime } from './internal/iso-time.js';
import { checkString, invalidOption } from './internal/validate.js';
import { isPurged } from './records/purge-query.js';

/** What `purge()` takes away. */
export interface PurgeOptions {
  /** Transcripts, jobs that have ended, and messages about their end, that were created before this time: a Date, or as `toISOString()` writes it. */
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
  /** Messages about the end of jobs that were delivered or given up. */
  readonly webhooks: number;
  /** Audio in the audio store. */
  readonly audio: number;
}

export interface PurgeParts {
  /** Both report their own failures. */
  readonly storage: StorageAdapter;
  readonly audioStore: AudioStore | undefined;
  readonly clock: Clock;
  /** Nothing more is deleted once it has aborted. */
  readonly signal: AbortSignal;
}

/** Jobs with one of these have ended; others are never taken away. */
const ENDED = ['completed', 'failed', 'cancelled'] as const;

/** Messages with one of these are sent no more. */
const SETTLED = ['delivered', 'failed'] as const;

const HOUR_MS = 3_600_000;

/** Takes away what is older than the time. Rejects with a TranscriptionError; what was deleted before stays deleted. */
export async function purge(options: PurgeOptions, parts: PurgeParts): Promise<PurgeResult> {
  checkOptions('purge()', options as unknown, ['before', 'userId']);
  const createdBefore = timeOf(options.before);
  checkString('userId', options.userId);
  if ('userId' in options && options.userId === undefined) {
    // A missing user must not become everybody.
    throw invalidOption('userId', 'a string that is not empty', undefined);
  }
  const query = { createdBefore, ...defined({ userId: options.userId }) };
  const { jobs, audio } = await purgeJobs({ ...query, statuses: ENDED }, parts);
  const webhooks = await purgeRecords('webhooks', { ...query, statuses: SETTLED }, parts);
  const transcripts = await purgeRecords('transcripts', query, parts);
  const expiredBy = new Date(parts.clock.wallMs()).toISOString();
  const idempotency = await purgeRecords('idempotency', { expiredBy }, parts);
  const leftOver = options.userId === undefined ? await purgeLeftOverAudio(createdBefore, parts) : 0;
  return { transcripts, jobs, idempotency, webhooks, audio: audio + leftOver };
}

function timeOf(before: unknown): string {
  const time = before instanceof Date && !Number.isNaN(before.getTime()) ? before.toISOString() : before;
  if (isIsoTime(time)) return time;
  throw invalidOption('before', 'a Date, or a time as toISOString() writes it', before);
}

/** Failed and cancelled jobs keep their audio for a retry, which ends with their record. */
async function purgeJobs(query: PurgeQuery, parts: PurgeParts): Promise<{ jobs: number; audio: number }> {
  const { audioStore } = parts;
  if (audioStore === undefined) return { jobs: await purgeRecords('jobs', query, parts), audio: 0 };
  let jobs = 0;
  let audio = 0;
  for await (const { data } of takeAway('jobs', query, parts)) {
    jobs += 1;
    const ref = audioOf(data);
    if (ref !== undefined && (await audioStore.delete(ref))) audio += 1;
  }
  return { jobs, audio };
}

function audioOf(data: unknown): string | undefined {
  // A record that is damaged goes like any other.
  const source = (data as { source?: { kind?: unknown; ref?: unknown } } | null)?.source;
  return source?.kind === 'stored' && typeof source.ref === 'string' ? source.ref : undefined;
}

/** Audio whose process died before its job was acknowledged, or between its deletion and that of its job. */
async function purgeLeftOverAudio(
  createdBefore: string,
  { storage, audioStore, clock, signal }: PurgeParts,
): Promise<number> {
  if (audioStore?.purge === undefined || !seesAllJobsOf(audioStore, storage)) return 0;
  throwIfAborted(signal);
  // Younger audio may belong to a job that is being acknowledged just now.
  const oldMs = Math.min(Date.parse(createdBefore), clock.wallMs() - 24 * HOUR_MS);
  // Those that had ended are gone: what is there waits, or runs, or was begun anew, and may need its audio.
  const older = { createdBefore: new Date(oldMs).toISOString(), limit: 1 };
  if ((await storage.list('jobs', older)).items.length > 0) return 0;
  // The clock of the machine that made the job, and that of the store, may be apart by an hour.
  return audioStore.purge({ createdBefore: new Date(oldMs - HOUR_MS).toISOString() });
}

/** Audio that outlives its process, or is reached from other machines, may be that of jobs which are not seen here. */
function seesAllJobsOf(audioStore: AudioStore, { capabilities }: StorageAdapter): boolean {
  return capabilities.durable && (capabilities.shared || !audioStore.capabilities.shared);
}

async function purgeRecords(
  collection: StorageCollection,
  query: PurgeQuery,
  parts: PurgeParts,
): Promise<number> {
  throwIfAborted(parts.signal);
  const { storage } = parts;
  if (storage.purge !== undefined) return storage.purge(collection, query);
  let count = 0;
  for await (const _record of takeAway(collection, query, parts)) count += 1;
  return count;
}

/** Deletes record by record, and tells each one that it has deleted: what was changed meanwhile stays. */
async function* takeAway(
  collection: StorageCollection,
  query: PurgeQuery,
  { storage, signal }: PurgeParts,
): AsyncGenerator<StoredRecord> {
  for (const status of query.statuses ?? [undefined]) {
    const filters = defined({ userId: query.userId, createdBefore: query.createdBefore, status });
    for (let cursor: string | undefined; ; ) {
      const page = await storage.list(collection, { ...filters, ...defined({ cursor }) });
      for (const record of page.items) {
        throwIfAborted(signal);
        // Looked at once more: a storage that knows no such filter must not lose what is young.
        if (!isPurged(record, query)) continue;
        const { id, version: expectedVersion } = record;
        if (await storage.delete(collection, id, { expectedVersion })) yield record;
      }
      if (page.nextCursor === undefined) break;
      cursor = page.nextCursor;
    }
  }
}
