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

/** @param now As `isoTime()` has it, the same for all jobs of a call. */
export function newDraft(
  options: EnqueueOptions,
  now: string,
  { clock, settings, webhooks, callbacks }: Pick<JobContext, 'clock' | 'settings' | 'webhooks' | 'callbacks'>,
): Draft {
  const { userId, region, timeoutMs, totalTimeoutMs, durationSeconds, metadata } = options;
  const endsBy = totalTimeoutMs === undefined ? undefined : isoTime(clock, totalTimeoutMs);
  const webhook = webhooks.settle(options.webhook);
  const delivery = deliveryOf(options, callbacks !== undefined);
  return {
    id: createId('job'),
    ...defined({ userId }),
    createdAt: now,
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
      runAt: options.delayMs ? isoTime(clock, options.delayMs) : now,
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
function snapshot<Data extends Pick<JobData, 'metadata' | 'options' | 'webhook'>>(data: Data): Data {
  // Most jobs have nothing that could change, or could be long: a copy of each costs more than its record.
  if (data.metadata === undefined && data.webhook === undefined && isShortAndFlat(data.options)) return data;
  const text = toText(data);
  if (data.metadata !== undefined) refuseLong('metadata', JSON.stringify(data.metadata), MAX_METADATA_BYTES);
  refuseLong('options and metadata', text, MAX_BYTES);
  return JSON.parse(text) as Data;
}

const MANY_CHARACTERS = 10_000;

/** deepgramOptionsOf() has made the object itself anew. */
function isShortAndFlat(options: object): boolean {
  let characters = 0;
  for (const [key, value] of Object.entries(options)) {
    if (typeof value === 'object') return false;
    characters += key.length + (typeof value === 'string' ? value.length : 0);
  }
  return characters < MANY_CHARACTERS;
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
