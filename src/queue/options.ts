import { refuseEmpty } from '../audio/resolve.js';
import type { ResolvedSource } from '../contracts/audio-source.js';
import type { AudioStore } from '../contracts/audio-store.js';
import type { EnqueueOptions } from '../contracts/call-options.js';
import type { PrerecordedDeepgramOptions } from '../contracts/deepgram-options.js';
import type { JobListQuery, JobState, ResultOptions } from '../contracts/job.js';
import type { QueueCapabilities } from '../contracts/queue.js';
import { SECRET_NAME } from '../deepgram/callback.js';
import { BadRequestError, QueueError, UnsupportedSourceError } from '../errors/index.js';
import { checkOptions, checkSignal } from '../internal/check-arguments.js';
import { checkListQuery } from '../internal/check-list-query.js';
import { checkNumber, checkPlainData, checkString, invalidOption } from '../internal/validate.js';
import { noCallback } from './callback-submission.js';
import { ENQUEUE_KEYS } from './early-checks.js';

/** As BullMQ has it, so that a priority means the same on every queue. */
const LARGEST_PRIORITY = 2_097_152;

export function deepgramOptionsOf(options: EnqueueOptions): PrerecordedDeepgramOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([key, value]) => !ENQUEUE_KEYS.includes(key) && value !== undefined),
  );
}

/** Throws before anything is stored. Deepgram's options are checked by the caller. */
export function checkEnqueueOptions(options: EnqueueOptions): void {
  checkNumber('priority', options.priority, { min: 0, max: LARGEST_PRIORITY });
  checkNumber('attempts', options.attempts, { min: 1 });
  checkNumber('delayMs', options.delayMs, { min: 0, integer: false });
  checkNumber('timeoutMs', options.timeoutMs, { min: 1 });
  checkNumber('totalTimeoutMs', options.totalTimeoutMs, { min: 1 });
  checkKey(options.idempotencyKey);
  checkNumber('durationSeconds', options.durationSeconds, { min: 0, integer: false });
  checkString('userId', options.userId);
  if (options.store === false) {
    throw new BadRequestError(
      'The option store must not be false for a job, because its result is read from the storage. ' +
        'Use transcribe(), or delete the transcript after reading it.',
      { code: 'invalid_option' },
    );
  }
  checkPlainData('metadata', options.metadata);
}

function checkKey(key: unknown): void {
  if (key === undefined || (typeof key === 'string' && key.length >= 1 && key.length <= 255)) return;
  throw invalidOption('idempotencyKey', 'a string of 1 to 255 characters', key);
}

/** Undefined where a worker waits for the result. */
export function deliveryOf(options: EnqueueOptions, hasCallback: boolean): 'callback' | undefined {
  const { delivery = 'worker', model, extra = [] } = options;
  if (delivery === 'worker') return undefined;
  if (delivery !== 'callback') throw invalidOption('delivery', "'worker' or 'callback'", delivery);
  if (!hasCallback) throw noCallback();
  if (model?.startsWith('flux-')) {
    throw new BadRequestError("Flux models have no callback. Use another model for delivery: 'callback'.", {
      code: 'invalid_option',
    });
  }
  if ([extra].flat().some((pair) => pair.split(':', 1)[0] === SECRET_NAME)) {
    throw new BadRequestError(
      `The option extra must not hold ${SECRET_NAME} with delivery: 'callback', because the library sends its own.`,
      { code: 'invalid_option' },
    );
  }
  return 'callback';
}

export function checkResultOptions(options: ResultOptions): void {
  checkOptions('result()', options, ['signal', 'timeoutMs']);
  checkSignal(options.signal);
  checkNumber('timeoutMs', options.timeoutMs, { min: 0 });
}

const JOB_STATES: readonly unknown[] = Object.keys({
  queued: true,
  active: true,
  completed: true,
  failed: true,
  cancelled: true,
} satisfies Record<JobState, true>);

export function checkJobListQuery(query: JobListQuery): void {
  checkListQuery('jobs.list()', query, [
    'userId',
    'state',
    'createdFrom',
    'createdBefore',
    'limit',
    'cursor',
  ]);
  if (query.state === undefined || JOB_STATES.includes(query.state)) return;
  throw invalidOption('state', `one of ${JOB_STATES.join(', ')}`, query.state);
}

/** Throws where there is no audio, or where a worker could not read it later. */
export function checkSource(
  source: ResolvedSource,
  queue: QueueCapabilities,
  audioStore: AudioStore | undefined,
): void {
  if (source.kind === 'url') return;
  if (source.sizeBytes !== undefined) refuseEmpty(source.sizeBytes);
  if (audioStore !== undefined && isReadable(audioStore, queue)) return;
  if (!source.reopenable && audioStore === undefined) {
    throw new UnsupportedSourceError(
      'A stream that can be read only once cannot wait in a queue. ' +
        'Hand in fromStream(() => stream) or fromFile(path), set an audioStore, or use transcribe().',
      { code: 'unsupported_source' },
    );
  }
  if (queue.distributed) {
    throw new QueueError(
      'The workers of this queue may run in other processes, which cannot read this audio. ' +
        'Upload it and pass its URL, set an audioStore that is shared, or use transcribe().',
      { code: 'audio_not_shared' },
    );
  }
}

/** The workers of an embedded queue are on this machine, where they find what outlives the process. */
function isReadable({ capabilities }: AudioStore, queue: QueueCapabilities): boolean {
  if (capabilities.shared || !queue.distributed) return true;
  return queue.embedded === true && capabilities.durable;
}
