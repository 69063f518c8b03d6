import type { RecordInput, StoredRecord } from '../contracts/storage.js';
import type { WebhookAttempt, WebhookMessage } from '../contracts/webhook.js';
import { StorageError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { buildWebhookPayload, type WebhookStatus } from '../webhooks/index.js';
import type { JobRecord, JobWebhookData } from './record.js';

/** Attempts whose outcome is kept. */
const KEPT_ATTEMPTS = 20;

/** A message as the storage holds it. It stands alone: the job may be removed. */
export interface WebhookData {
  readonly v: 1;
  readonly webhook: JobWebhookData;
  readonly jobId: string;
  readonly type: WebhookMessage['type'];
  /** The same text for each attempt. */
  readonly body: string;
  /** Since it was made, or begun anew. */
  readonly attemptsMade: number;
  readonly attempts: readonly WebhookAttempt[];
  /** Counts the redeliveries. Queue entries of an earlier round are stale. */
  readonly round: number;
  /** ISO 8601, UTC. */
  readonly nextAttemptAt: string;
}

export interface WebhookRecord {
  readonly id: string;
  readonly userId?: string;
  readonly status: WebhookMessage['status'];
  readonly createdAt: string;
  readonly version: number;
  readonly data: WebhookData;
}

/** The message about the end of a job, one for each round of it. `text` is that of its transcript. */
export function toWebhookRecord(
  job: JobRecord,
  text: string | undefined,
  now: string,
): RecordInput | undefined {
  const { webhook, state, metadata, transcriptId, error, finishedAt = now } = job.data;
  if (webhook === undefined) return undefined;
  const { id: jobId, userId } = job;
  const status = state as WebhookStatus;
  const facts = { jobId, status, timestamp: finishedAt, transcriptId, userId, metadata, error };
  const data: WebhookData = {
    v: 1,
    webhook,
    jobId,
    type: `transcription.${status}`,
    body: buildWebhookPayload({ ...facts, text: webhook.includeText === true ? text : undefined }),
    attemptsMade: 0,
    attempts: [],
    round: 0,
    nextAttemptAt: now,
  };
  return toRecordInput({
    id: webhookIdOf(job),
    ...defined({ userId }),
    status: 'pending',
    createdAt: now,
    data,
  });
}

export function webhookIdOf({ id, data }: Pick<JobRecord, 'id' | 'data'>): string {
  const suffix = data.round === 0 ? '' : `_${data.round}`;
  return `msg_${id.replace(/^job_/, '')}${suffix}`;
}

export function toRecordInput(record: Omit<WebhookRecord, 'version'>): RecordInput {
  return { collection: 'webhooks', ...record };
}

export function fromStoredWebhook(stored: StoredRecord): WebhookRecord {
  const data = stored.data as Partial<WebhookData> | null;
  if (data?.v !== 1) {
    throw new StorageError(
      `The record of message ${stored.id} has a format that this version of the library does not know. Update the library.`,
      { code: 'storage_schema' },
    );
  }
  const { id, userId, createdAt, version } = stored;
  const status = stored.status as WebhookRecord['status'];
  return { id, ...defined({ userId }), status, createdAt, version, data: data as WebhookData };
}

export function withAttempt(data: WebhookData, attempt: WebhookAttempt): WebhookData {
  return { ...data, attempts: [...data.attempts, attempt].slice(-KEPT_ATTEMPTS) };
}

export function toMessage({ id, userId, status, createdAt, data }: WebhookRecord): WebhookMessage {
  const { jobId, type, webhook, attempts, nextAttemptAt } = data;
  return {
    id,
    jobId,
    ...defined({ userId }),
    type,
    host: new URL(webhook.url).host,
    status,
    attempts,
    ...(status === 'pending' ? { nextAttemptAt } : {}),
    createdAt,
  };
}
