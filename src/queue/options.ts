import type { ResolvedSource } from '../contracts/audio-source.js';
import type { EnqueueOptions } from '../contracts/call-options.js';
import type { PrerecordedDeepgramOptions } from '../contracts/deepgram-options.js';
import { BadRequestError, QueueError, UnsupportedSourceError } from '../errors/index.js';

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
  checkInteger('priority', options.priority, 0, LARGEST_PRIORITY);
  checkInteger('attempts', options.attempts, 1);
  checkNumber('delayMs', options.delayMs, 0);
  checkNumber('timeoutMs', options.timeoutMs, 1);
  if (options.userId !== undefined && typeof options.userId !== 'string') {
    throw invalid('userId', 'a string', options.userId);
  }
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
  checkInteger('concurrency', concurrency, 1);
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

function checkInteger(
  name: string,
  value: unknown,
  smallest: number,
  largest = Number.MAX_SAFE_INTEGER,
): void {
  if (value === undefined) return;
  if (Number.isInteger(value) && Number(value) >= smallest && Number(value) <= largest) return;
  const upTo =
    largest === Number.MAX_SAFE_INTEGER ? `of at least ${smallest}` : `from ${smallest} to ${largest}`;
  throw invalid(name, `an integer ${upTo}`, value);
}

function checkNumber(name: string, value: unknown, smallest: number): void {
  if (value === undefined || (Number.isFinite(value) && Number(value) >= smallest)) return;
  throw invalid(name, `a finite number of at least ${smallest}`, value);
}

function checkMetadata(metadata: unknown): void {
  if (metadata === undefined) return;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw invalid('metadata', 'a plain object', metadata);
  }
}

function invalid(name: string, expected: string, value: unknown): BadRequestError {
  const isPrintable = value === null || typeof value === 'number' || typeof value === 'bigint';
  const said = isPrintable ? String(value) : `of type ${Array.isArray(value) ? 'array' : typeof value}`;
  return new BadRequestError(`The option ${name} must be ${expected}; it was ${said}.`, {
    code: 'invalid_option',
  });
}
