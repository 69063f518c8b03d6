import type { ResolvedSource } from '../contracts/audio-source.js';
import type { EnqueueOptions } from '../contracts/call-options.js';
import type { PrerecordedDeepgramOptions } from '../contracts/deepgram-options.js';
import { BadRequestError, QueueError, UnsupportedSourceError } from '../errors/index.js';
import { checkNumber, checkPlainObject, checkString } from '../internal/validate.js';

/** As BullMQ has it, so that a priority means the same on every queue. */
const LARGEST_PRIORITY = 2_097_152;

/** Our options, which do not travel to Deepgram. The type keeps the list complete. */
const OWN_OPTIONS = {
  signal: true,
  userId: true,
  metadata: true,
  region: true,
  store: true,
  timeoutMs: true,
  priority: true,
  delayMs: true,
  attempts: true,
} satisfies Record<Exclude<keyof EnqueueOptions, keyof PrerecordedDeepgramOptions>, true>;

export function deepgramOptionsOf(options: EnqueueOptions): PrerecordedDeepgramOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([key, value]) => !(key in OWN_OPTIONS) && value !== undefined),
  );
}

/** Throws before anything is stored. Deepgram's options are checked by the caller. */
export function checkEnqueueOptions(options: EnqueueOptions): void {
  checkNumber('priority', options.priority, { min: 0, max: LARGEST_PRIORITY });
  checkNumber('attempts', options.attempts, { min: 1 });
  checkNumber('delayMs', options.delayMs, { min: 0, integer: false });
  checkNumber('timeoutMs', options.timeoutMs, { min: 1 });
  checkString('userId', options.userId);
  if (options.store === false) {
    throw new BadRequestError(
      'The option store must not be false for a job, because its result is read from the storage. ' +
        'Use transcribe(), or delete the transcript after reading it.',
      { code: 'invalid_option' },
    );
  }
  checkMetadata(options.metadata);
}

export function checkConcurrency(concurrency: number): void {
  checkNumber('concurrency', concurrency, { min: 1 });
}

/** Throws where a worker could not read the audio later. */
export function checkSource(source: ResolvedSource, distributed: boolean): void {
  if (source.kind === 'url') return;
  if (!source.reopenable) {
    throw new UnsupportedSourceError(
      'A stream that can be read only once cannot wait in a queue. ' +
        'Hand in fromStream(() => stream) or fromFile(path), or use transcribe().',
      { code: 'unsupported_source' },
    );
  }
  if (distributed) {
    throw new QueueError(
      'The workers of this queue may run in other processes, which cannot read this audio. ' +
        'Upload it and pass its URL, or use transcribe().',
      { code: 'queue_failed' },
    );
  }
}

function checkMetadata(metadata: unknown): void {
  checkPlainObject('metadata', metadata);
  try {
    JSON.stringify(metadata);
  } catch (cause) {
    throw new BadRequestError('The option metadata must be plain JSON data; JSON cannot say what it holds.', {
      code: 'invalid_option',
      cause,
    });
  }
}
