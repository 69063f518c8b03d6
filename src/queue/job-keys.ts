import { createHash } from 'node:crypto';
import { hashSource } from '../audio/content-hash.js';
import type { ResolvedSource } from '../contracts/audio-source.js';
import type { EnqueueOptions } from '../contracts/call-options.js';
import type { RecordInput, StorageChange } from '../contracts/storage.js';
import { BadRequestError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { isoTime, type JobContext } from './context.js';
import type { JobStore } from './job-store.js';
import { deepgramOptionsOf } from './options.js';
import type { JobRecord } from './record.js';

/** A job answers for its key this long. */
const KEPT_MS = 24 * 3_600_000;

type PutChange = Extract<StorageChange, { type: 'put' }>;

interface KeyData {
  readonly v: 1;
  readonly jobId: string;
  /** Missing where it is not known. */
  readonly sourceHash?: string;
}

/** An `idempotencyKey` of enqueue(), with what it stands for. */
export interface JobKey {
  /** Of its record. */
  readonly id: string;
  readonly userId: string | undefined;
  /** Undefined for a stream that can be read only once, until it was. */
  readonly sourceHash: string | undefined;
}

/** What the storage has of a key. */
export interface KnownKey {
  /** Of its record, 0 where there is none. */
  readonly version: number;
  /** The job that answers for the key, where it is still there. */
  readonly jobId: string | undefined;
  /** Of the audio of that job. */
  readonly sourceHash?: string | undefined;
}

/** Undefined where the options name no key. Reads audio that is no URL, to know it again. */
export async function jobKeyOf(
  source: ResolvedSource,
  options: EnqueueOptions,
  signal: AbortSignal,
): Promise<JobKey | undefined> {
  const { idempotencyKey, userId, region } = options;
  if (idempotencyKey === undefined) return undefined;
  const isComparable = source.kind === 'url' || source.reopenable;
  const scope = ['enqueue', userId ?? null, idempotencyKey, region ?? null, wireForm(options)];
  return {
    id: createHash('sha256').update(JSON.stringify(scope)).digest('hex'),
    userId,
    sourceHash: isComparable ? await hashSource(source, signal) : undefined,
  };
}

/** @throws BadRequestError where the key stands for other audio. */
export async function findKey(
  key: JobKey,
  { storage, store, clock }: Pick<JobContext, 'storage' | 'store' | 'clock'>,
): Promise<KnownKey> {
  const record = await storage.get('idempotency', key.id);
  if (record === undefined) return { version: 0, jobId: undefined };
  const free = { version: record.version, jobId: undefined };
  const data = record.data as Partial<KeyData> | null;
  if (data?.v !== 1 || data.jobId === undefined) return free;
  if (record.expiresAt !== undefined && record.expiresAt <= isoTime(clock)) return free;
  // A job that was removed, or that the queue refused, answers for nothing.
  const job = await store.get(data.jobId);
  if (job === undefined) return free;
  assertSameAudio(key.sourceHash, data.sourceHash);
  const { sourceHash } = data;
  return (await isShared(job, store)) ? { version: record.version, jobId: job.id, sourceHash } : free;
}

/**
 * The call that made the job may still take it back, where the queue refuses it or its caller gives up. It does so only
 * with a record that nobody has written since, so that a job which answers for another call as well stays.
 *
 * False where it was taken back in this moment.
 */
async function isShared(job: JobRecord, store: JobStore): Promise<boolean> {
  if (job.version > 1 || (await store.replace(job, job.data)) !== undefined) return true;
  return (await store.get(job.id)) !== undefined;
}

export function assertSameAudio(given: string | undefined, known: string | undefined): void {
  if (given === undefined || known === undefined || given === known) return;
  throw new BadRequestError(
    'This idempotencyKey was used for other audio. Use another key for each piece of audio.',
    { code: 'idempotency_conflict' },
  );
}

/** Holds where nobody wrote the record of the key since it was read. */
export function toKeyChange(
  { id, userId, sourceHash }: JobKey,
  jobId: string,
  expectedVersion: number,
  { clock }: Pick<JobContext, 'clock'>,
): PutChange {
  const data: KeyData = { v: 1, jobId, ...defined({ sourceHash }) };
  const record: RecordInput = {
    collection: 'idempotency',
    id,
    ...defined({ userId }),
    status: 'completed',
    createdAt: isoTime(clock),
    expiresAt: isoTime(clock, KEPT_MS),
    data,
  };
  return { type: 'put', record, condition: { expectedVersion } };
}

/** Options are the same in whatever order they were given. */
function wireForm(options: EnqueueOptions): unknown {
  return Object.entries(deepgramOptionsOf(options)).sort(([a], [b]) => (a < b ? -1 : 1));
}
