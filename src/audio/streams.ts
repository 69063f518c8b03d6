export function isAsyncIterable(value: object): value is AsyncIterable<Uint8Array> {
  return typeof (value as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function';
}

/** By what it can do: a polyfill's stream is one too. */
export function isWebStream(value: object): value is ReadableStream<Uint8Array> {
  return typeof (value as { getReader?: unknown }).getReader === 'function';
}

/** A stream may break before anyone reads it; without a listener that would end the process. */
export function keepErrors(stream: object): void {
  const { on } = stream as { on?: unknown };
  if (typeof on === 'function') on.call(stream, 'error', () => undefined);
}

/** Destroying a request that a server received would cut off the connection that its answer needs. */
export function isIncomingRequest(stream: object): boolean {
  const { httpVersion, method } = stream as { httpVersion?: unknown; method?: unknown };
  return typeof httpVersion === 'string' && typeof method === 'string';
}
