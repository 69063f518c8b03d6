export function isAsyncIterable(value: object): value is AsyncIterable<Uint8Array> {
  return typeof (value as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function';
}

/** By what it can do: a polyfill's stream is one too. */
export function isWebStream(value: object): value is ReadableStream<Uint8Array> {
  return typeof (value as { getReader?: unknown }).getReader === 'function';
}

/**
 * A Request or a Response, by its tag: to name one of the two classes makes Node load all of its fetch, which
 * stands still for 12 ms. Where there is such an object it is loaded.
 */
export function isFetchBody(value: object): value is Request | Response {
  return isTagged(value, 'Request') || isTagged(value, 'Response');
}

export function isResponse(value: Request | Response): value is Response {
  return isTagged(value, 'Response');
}

function isTagged(value: object, tag: string): boolean {
  return (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === tag && 'bodyUsed' in value;
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
    if (typeof source !== 'object' || source === null) return;
    if (isFetchBody(source)) await source.body?.cancel(reason);
    else if (isWebStream(source)) await source.cancel(reason);
    else if (isAsyncIterable(source) && !isIncomingRequest(source)) {
      (source as { destroy?(): void }).destroy?.();
    }
  } catch {
    // A stream that cannot be cancelled any more has nothing left to let go of.
  }
}
