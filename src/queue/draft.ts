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
      ...defined({ region, timeoutMs, durationSeconds, metadata, endsBy, webhook, delivery }),
      priority: options.priority ?? 0,
      maxAttempts: options.attempts ?? settings.attempts,
      attempts: 0,
      rateLimited: 0,
      round: 0,
      runAt: isoTime(clock, options.delayMs),
    }),
  };
}

export function withSource(draft: Draft, source: JobSource): NewRecord {
  return { ...draft, data: { ...draft.data, source } };
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
