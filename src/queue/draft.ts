import type { EnqueueOptions } from '../contracts/call-options.js';
import { BadRequestError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { createId } from '../internal/ids.js';
import { isoTime, type JobContext } from './context.js';
import { deepgramOptionsOf, deliveryOf } from './options.js';
import type { JobData, JobRecord, JobSource } from './record.js';

export type NewRecord = Omit<JobRecord, 'version'>;

/** The job before its audio has a place. */
export interface Draft extends Omit<NewRecord, 'data'> {
  readonly data: Omit<JobData, 'source'>;
}

export function newDraft(
  options: EnqueueOptions,
  { clock, settings, webhooks, callbacks }: Pick<JobContext, 'clock' | 'settings' | 'webhooks' | 'callbacks'>,
): Draft {
  const { userId, region, timeoutMs, totalTimeoutMs, durationSeconds, metadata } = options;
  const endsBy = totalTimeoutMs === undefined ? undefined : isoTime(clock, totalTimeoutMs);
  const webhook = webhooks.settle(options.webhook);
  const delivery = deliveryOf(options, callbacks !== undefined);
  return {
    id: createId('job'),
    ...defined({ userId }),
    createdAt: isoTime(clock),
    data: snapshot({
      v: 1,
      state: 'queued',
      options: deepgramOptionsOf(options),
      ...defined({ region, timeoutMs, durationSeconds, metadata, totalTimeoutMs, endsBy, webhook, delivery }),
      priority: options.priority ?? 0,
      maxAttempts: options.attempts ?? settings.attempts,
      attempts: 0,
      rateLimited: 0,
      round: 0,
      runAt: isoTime(clock, options.delayMs),
      delayMs: options.delayMs ?? 0,
    }),
  };
}

export function withSource(draft: Draft, source: JobSource): NewRecord {
  return { ...draft, data: { ...draft.data, source } };
}

/** Of the JSON of all that a job is told. Records are read at every step of a job, and by every list. */
const MAX_BYTES = 256 * 1024;
const MAX_METADATA_BYTES = 64 * 1024;

/** The caller's objects may change later; the job does not. */
function snapshot<Data extends Pick<JobData, 'metadata'>>(data: Data): Data {
  const text = toText(data);
  if (data.metadata !== undefined) refuseLong('metadata', JSON.stringify(data.metadata), MAX_METADATA_BYTES);
  refuseLong('options and metadata', text, MAX_BYTES);
  return JSON.parse(text) as Data;
}

function toText(data: object): string {
  try {
    return JSON.stringify(data);
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

function refuseLong(what: string, text: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return;
  throw new BadRequestError(
    `The ${what} of a job must be at most ${maxBytes} bytes of JSON, and are ${bytes}. Keep the rest in a place of ` +
      'your own, and its id in the metadata.',
    { code: 'invalid_option' },
  );
}
