import type { OpenedAudio } from '../contracts/index.js';
import { TranscriptionError, UnsupportedSourceError } from '../errors/index.js';
import { bytesOf } from '../internal/bytes.js';
import type { OpenedStream } from './sources.js';
import { isAsyncIterable, isIncomingRequest, isWebStream, keepErrors } from './streams.js';

/** Audio of a stream that was just opened. */
export function openChunks(stream: OpenedStream | Iterable<Uint8Array>): OpenedAudio {
  refuseNonStream(stream);
  keepErrors(stream);
  const iterator = iterate(stream);
  return {
    chunks: readStream(stream, iterator),
    close: async (reason) => closeStream(stream, iterator, reason),
  };
}

/** Also while a read is waiting: a stream that stands still must not be held for ever. */
function closeStream(stream: object, iterator: ByteIterator, reason?: unknown): void {
  if (isIncomingRequest(stream)) return;
  const { destroy } = stream as { destroy?: unknown };
  try {
    if (typeof destroy === 'function') destroy.call(stream);
    else Promise.resolve(iterator.return?.(reason)).catch(() => undefined);
  } catch {
    // A stream that cannot be closed must not hide why it is closed.
  }
}

/**
 * The chunks of a stream as bytes. Fails with code `empty_source` where there are none, and with code
 * `stream_failed` where the stream breaks, so that a broken microphone never looks like a broken network.
 */
async function* readStream(stream: object, iterator: ByteIterator): AsyncGenerator<Uint8Array> {
  let isEmpty = true;
  try {
    for (let step = await iterator.next(); !step.done; step = await iterator.next()) {
      const bytes = toBytes(step.value);
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
  } finally {
    closeStream(stream, iterator);
  }
  if (isEmpty) {
    throw new UnsupportedSourceError('The audio stream ended without a single byte.', {
      code: 'empty_source',
    });
  }
}

type ByteIterator = AsyncIterator<unknown, unknown> | Iterator<unknown, unknown>;

interface NodeReadable {
  iterator(options: { destroyOnReturn: boolean }): AsyncIterator<unknown>;
}

function iterate(stream: OpenedStream | Iterable<Uint8Array>): ByteIterator {
  if (isWebStream(stream)) return readWebStream(stream);
  if (isIncomingRequest(stream) && 'iterator' in stream) {
    return (stream as unknown as NodeReadable).iterator({ destroyOnReturn: false });
  }
  return isAsyncIterable(stream)
    ? stream[Symbol.asyncIterator]()
    : (stream as Iterable<unknown>)[Symbol.iterator]();
}

function refuseNonStream(stream: unknown): void {
  const isObject = typeof stream === 'object' && stream !== null;
  if (isObject && (isAsyncIterable(stream) || Symbol.iterator in stream || isWebStream(stream))) return;
  throw new UnsupportedSourceError(
    'fromStream() needs a function that returns a Readable, a ReadableStream or an async iterable of bytes.',
    { code: 'unsupported_source' },
  );
}

/** Unlike the stream's own iterator it can be returned, and so cancels, while a read is waiting. */
function readWebStream(stream: ReadableStream<unknown>): AsyncIterator<unknown> {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    return: async (reason?: unknown) => {
      await reader.cancel(reason);
      return { done: true, value: undefined };
    },
  };
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
