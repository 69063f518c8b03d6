import type { ErrorData } from '../contracts/error-data.js';
import { QueueError, TimeoutError } from '../errors/index.js';
import { announce, isoTime, type JobContext } from './context.js';
import { failJob } from './finish.js';
import { hasEnded, type JobData, type JobRecord } from './record.js';
import { toActive } from './transitions.js';

/**
 * Makes the job active. Undefined where there is nothing to run.
 *
 * A record that is active already belongs to a run that died, or lost its lease: the queue gives an entry to one worker
 * at a time. That run was an attempt, as far as anybody can know.
 */
export async function begin(
  jobId: string,
  round: number,
  signal: AbortSignal,
  context: JobContext,
): Promise<JobRecord | undefined> {
  for (;;) {
    const record = await context.store.get(jobId);
    if (record === undefined || record.data.round !== round || hasEnded(record.data.state)) return undefined;
    const now = isoTime(context.clock);
    const refusal = refusalOf(record.data, now);
    if (refusal !== undefined) {
      await failJob(record, { ...refusal, attempt: record.data.attempts }, signal, context);
      return undefined;
    }
    const active = await context.store.replace(record, toActive(record.data, now));
    if (active === undefined) continue;
    if (record.data.state === 'active') warnOfSecondRun(active, context);
    announce(context, active);
    return active;
  }
}

function refusalOf(data: JobData, now: string): ErrorData | undefined {
  if (data.endsBy !== undefined && data.endsBy <= now) return timeIsUp();
  if (data.state === 'active' && data.attempts >= data.maxAttempts) return stalled();
  return undefined;
}

export function timeIsUp(): ErrorData {
  return new TimeoutError(
    'The job had not ended when its time was up. Raise totalTimeoutMs, or retry() it.',
    {
      code: 'timeout',
    },
  ).toJSON();
}

function stalled(): ErrorData {
  return new QueueError(
    'The worker died, or lost its lease, in the last attempt of this job. Look into the logs of the workers, then retry() it.',
    { code: 'job_stalled', ambiguous: true },
  ).toJSON();
}

/** The attempt of the dead worker may have reached Deepgram. */
function warnOfSecondRun({ id }: JobRecord, { emit }: JobContext): void {
  emit({
    type: 'warning',
    code: 'possible-double-billing',
    message: 'The worker of the job died in an attempt. The job is tried again and may be billed twice.',
    jobId: id,
  });
}
