import { UnsupportedSourceError } from '../errors/index.js';

/** What `pipeFrom()` reads: a Web stream, Node's Readable, or any other async iterable of bytes. */
export type LiveSource = AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** A source being read. `cancel()` works also while a `next()` is waiting. */
export interface SourceReader {
  next(): Promise<IteratorResult<unknown>>;
  cancel(reason: Error): void;
}

export function readSource(source: unknown): SourceReader {
  if (isWebStream(source)) return readWebStream(source);
  if (isAsyncIterable(source)) return readIterable(source);
  throw new UnsupportedSourceError(
    'pipeFrom() reads a ReadableStream or an async iterable of bytes, such as a Node Readable.',
    { code: 'unsupported_source' },
  );
}

function readWebStream(stream: ReadableStream<unknown>): SourceReader {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    cancel: (reason) => void reader.cancel(reason).catch(() => undefined),
  };
}

function readIterable(source: AsyncIterable<unknown>): SourceReader {
  const iterator = source[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    cancel: () => {
      // An iterator that is waiting for its source hears `return()` only afterwards; a Node stream can be told.
      const { destroy } = source as { destroy?: unknown };
      if (typeof destroy === 'function') destroy.call(source);
      else void iterator.return?.().catch(() => undefined);
    },
  };
}

function isWebStream(source: unknown): source is ReadableStream<unknown> {
  return typeof (source as { getReader?: unknown } | null)?.getReader === 'function';
}

function isAsyncIterable(source: unknown): source is AsyncIterable<unknown> {
  return (
    typeof (source as { [Symbol.asyncIterator]?: unknown } | null)?.[Symbol.asyncIterator] === 'function'
  );
}
