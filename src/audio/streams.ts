import type { OpenedAudio, UploadAudio } from '../contracts/index.js';
import { TranscriptionError, UnsupportedSourceError } from '../errors/index.js';
import type { OpenedStream } from './sources.js';

export function isAsyncIterable(value: object): value is AsyncIterable<Uint8Array> {
  return typeof (value as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function';
}

/** The bytes of a buffer or of any view on one, not copied; undefined for anything else. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return undefined;
}

interface OneShot {
  isConsumed(): boolean;
  open(): OpenedStream | Iterable<Uint8Array>;
  discard(): unknown;
}

/** The members of a source that can be read only once. */
export function oneShot(stream: OneShot): Pick<UploadAudio, 'reopenable' | 'open' | 'discard'> {
  let opened = false;
  return {
    reopenable: false,
    async open() {
      if (opened || stream.isConsumed()) {
        throw new UnsupportedSourceError(
          'This stream was read already, and a stream can be read only once. ' +
            'Use fromStream(() => createStream()) so that it can be opened again.',
          { code: 'stream_consumed' },
        );
      }
      opened = true;
      return openChunks(stream.open());
    },
    discard() {
      if (opened) return;
      opened = true;
      // A stream that cannot be cancelled any more has nothing left to let go of.
      Promise.resolve(stream.discard()).catch(() => undefined);
    },
  };
}

/** Audio of a stream that was just opened. */
export function openChunks(stream: OpenedStream | Iterable<Uint8Array>): OpenedAudio {
  refuseNonStream(stream);
  keepErrors(stream);
  return { chunks: readStream(stream), close: async () => closeStream(stream) };
}

/** A stream may break before anyone reads it; without a listener that would end the process. */
export function keepErrors(stream: object): void {
  const { on } = stream as { on?: unknown };
  if (typeof on === 'function') on.call(stream, 'error', () => undefined);
}

function closeStream(stream: object): void {
  const { destroy } = stream as { destroy?: unknown };
  if (typeof destroy === 'function') destroy.call(stream);
  // A locked stream is being read: its reader cancels it.
  else if (stream instanceof ReadableStream && !stream.locked) stream.cancel().catch(() => undefined);
}

/**
 * The chunks of a stream as bytes. Fails with code `empty_source` where there are none, and with code
 * `stream_failed` where the stream breaks, so that a broken microphone never looks like a broken network.
 */
async function* readStream(stream: OpenedStream | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isEmpty = true;
  try {
    for await (const chunk of iterate(stream)) {
      const bytes = toBytes(chunk);
      if (bytes.byteLength === 0) continue;
      isEmpty = false;
      yield bytes;
    }
  } catch (cause) {
    if (TranscriptionError.isInstance(cause)) throw cause;
    throw new UnsupportedSourceError('The audio stream failed while it was read. Its error is the cause.', {
      code: 'stream_failed',
      cause,
    });
  }
  if (isEmpty) {
    throw new UnsupportedSourceError('The audio stream ended without a single byte.', {
      code: 'empty_source',
    });
  }
}

function iterate(stream: OpenedStream | Iterable<Uint8Array>): AsyncIterable<unknown> | Iterable<unknown> {
  if (isAsyncIterable(stream) || Symbol.iterator in stream) return stream;
  return readWebStream(stream as ReadableStream<unknown>);
}

function refuseNonStream(stream: unknown): void {
  const isObject = typeof stream === 'object' && stream !== null;
  if (isObject && (isAsyncIterable(stream) || Symbol.iterator in stream || stream instanceof ReadableStream))
    return;
  throw new UnsupportedSourceError(
    'fromStream() needs a function that returns a Readable, a ReadableStream or an async iterable of bytes.',
    { code: 'unsupported_source' },
  );
}

/** For platforms whose ReadableStream is not async iterable yet. */
async function* readWebStream(stream: ReadableStream<unknown>): AsyncGenerator<unknown> {
  const reader = stream.getReader();
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value;
  } finally {
    await reader.cancel();
  }
}

function toBytes(chunk: unknown): Uint8Array {
  const bytes = bytesOf(chunk);
  if (bytes !== undefined) return bytes;
  throw new UnsupportedSourceError(
    `The audio stream delivered a ${chunk === null ? 'null' : typeof chunk} instead of bytes. ` +
      'Open it without an encoding and not in object mode.',
    { code: 'unsupported_source' },
  );
}
