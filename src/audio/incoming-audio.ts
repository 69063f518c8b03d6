import type { PutAudioOptions } from '../contracts/audio-store.js';
import { StorageError, UnsupportedSourceError } from '../errors/index.js';
import { raceAbort, throwIfAborted } from '../internal/abort.js';
import { bytesOf } from '../internal/bytes.js';
import { checkOptions, checkSignal } from '../internal/check-arguments.js';
import { invalidOption } from '../internal/validate.js';
import { isAsyncIterable, keepErrors, releaseStream } from './streams.js';

/** The largest audio that a store takes unless it is told otherwise: what Deepgram takes, 2 GiB. */
export const DEFAULT_MAX_BYTES = 2 * 1024 ** 3;

/** A chunk of any size goes on in pieces, so that an abort is heard between them. */
const PIECE_BYTES = 1024 * 1024;

/** Nothing that a header could not carry. */
const MIME_TYPE = /^[\w.+-]{1,200}\/[\w.+-]{1,200}[\t\x20-\x7e]{0,1000}$/;

/** @throws BadRequestError where an option of `put()` is none. */
export function checkPutOptions(options: PutAudioOptions): void {
  checkOptions('put()', options, ['contentType', 'signal']);
  const { contentType, signal } = options;
  checkSignal(signal);
  if (contentType === undefined || (typeof contentType === 'string' && MIME_TYPE.test(contentType))) return;
  throw invalidOption('contentType', "a MIME type, such as 'audio/wav'", contentType);
}

interface Intake {
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Audio on its way into a store. Read once, never ahead of what was asked for. */
export class IncomingAudio implements AsyncIterable<Uint8Array> {
  readonly #audio: AsyncIterable<unknown>;
  readonly #iterator: AsyncIterator<unknown>;
  readonly #intake: Intake;
  #sizeBytes = 0;
  #isOver = false;

  constructor(audio: AsyncIterable<unknown>, intake: Intake) {
    if (typeof audio !== 'object' || audio === null || !isAsyncIterable(audio)) {
      throw new UnsupportedSourceError('put() takes the audio as an async iterable of bytes.', {
        code: 'unsupported_source',
      });
    }
    keepErrors(audio);
    this.#audio = audio;
    this.#iterator = audio[Symbol.asyncIterator]();
    this.#intake = intake;
  }

  /** Of what was read so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Rejects with the source's own error where it fails, and at once where the signal aborts. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const { maxBytes, signal } = this.#intake;
    for (let step = await this.#next(signal); !step.done; step = await this.#next(signal)) {
      const bytes = toBytes(step.value);
      this.#sizeBytes += bytes.byteLength;
      if (this.#sizeBytes > maxBytes) throw tooLarge(maxBytes);
      for (let offset = 0; offset < bytes.byteLength; offset += PIECE_BYTES) {
        yield bytes.subarray(offset, offset + PIECE_BYTES);
      }
    }
    if (this.#sizeBytes > 0) return;
    throw new UnsupportedSourceError('The audio ended without a single byte.', { code: 'empty_source' });
  }

  /** Lets go of a source that was not read to its end, also while a read of it is waiting. */
  release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    void releaseStream(this.#audio);
    void returnIterator(this.#iterator);
  }

  async #next(signal: AbortSignal | undefined): Promise<IteratorResult<unknown>> {
    throwIfAborted(signal);
    const step = await raceAbort(this.#step(), signal);
    if (step.done) this.#isOver = true;
    return step;
  }

  async #step(): Promise<IteratorResult<unknown>> {
    try {
      return await this.#iterator.next();
    } catch (error) {
      // What failed by itself holds nothing.
      this.#isOver = true;
      throw error;
    }
  }
}

async function returnIterator(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // A source that cannot be let go of must not hide why it is.
  }
}

function toBytes(chunk: unknown): Uint8Array {
  const bytes = bytesOf(chunk);
  if (bytes !== undefined) return bytes;
  throw new UnsupportedSourceError(
    `The audio delivered a ${chunk === null ? 'null' : typeof chunk} instead of bytes. ` +
      'Open it without an encoding and not in object mode.',
    { code: 'unsupported_source' },
  );
}

function tooLarge(maxBytes: number): StorageError {
  return new StorageError(
    `The audio has more than ${maxBytes} bytes, which is all that the store takes. Split the audio, or raise maxBytes.`,
    { code: 'payload_too_large' },
  );
}

/** Waits for what clears up, at most so long; it goes on by itself. Never rejects. */
export async function settlesWithin(ms: number, clearing: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([clearing.catch(() => undefined), late]);
  clearTimeout(timer);
}
