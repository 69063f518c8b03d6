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

/** Lets go of a stream that nobody will read. Whatever is no stream holds nothing. */
export async function releaseStream(source: unknown, reason?: unknown): Promise<void> {
  try {
    if (source instanceof Request || source instanceof Response) await source.body?.cancel(reason);
    else if (typeof source !== 'object' || source === null) return;
    else if (isWebStream(source)) await source.cancel(reason);
    else if (isAsyncIterable(source) && !isIncomingRequest(source)) {
      (source as { destroy?(): void }).destroy?.();
    }
  } catch {
    // A stream that cannot be cancelled any more has nothing left to let go of.
  }
}
