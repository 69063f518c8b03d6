import type { IncomingMessage } from 'node:http';

/** Describe the connection of a proxy, not the request. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** No longer true of a body that was parsed, and decompressed with it. */
const OF_THE_BODY: ReadonlySet<string> = new Set(['content-length', 'content-encoding']);

/** A `Request` with one of these cannot be made. */
const REFUSED_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);

export function canBeRequest({ method = 'GET' }: IncomingMessage): boolean {
  return !REFUSED_METHODS.has(method.toUpperCase());
}

export interface RequestParts {
  readonly url: URL;
  /** Ends when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** What a parser has made of the body, where one has read it. */
  readonly parsedBody: unknown;
  /** The body, where none has. */
  readonly unreadBody: ReadableStream<Uint8Array>;
}

/** The request of Node's HTTP server as one of the Fetch API. Its body is read as it is asked for, and no faster. */
export function toFetchRequest(
  incoming: IncomingMessage,
  { url, signal, parsedBody, unreadBody }: RequestParts,
): Request {
  const { method = 'GET' } = incoming;
  const wasParsed = incoming.readableDidRead;
  const headers = headersOf(incoming, wasParsed);
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal });
  const body = wasParsed ? bytesOf(parsedBody) : unreadBody;
  return new Request(url, { method, headers, signal, body, duplex: 'half' } as RequestInit);
}

function headersOf({ rawHeaders }: IncomingMessage, wasParsed: boolean): Headers {
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (HOP_BY_HOP.has(name) || (wasParsed && OF_THE_BODY.has(name))) continue;
    headers.append(name, rawHeaders[index + 1] as string);
  }
  return headers;
}

/** Bytes and text stay what they were, so that what is wrong with them is found where all bodies are checked. */
function bytesOf(parsed: unknown): BodyInit | null {
  if (parsed === undefined) return null;
  if (typeof parsed === 'string') return parsed;
  if (parsed instanceof Uint8Array) return parsed as Uint8Array<ArrayBuffer>;
  try {
    return JSON.stringify(parsed);
  } catch {
    // Deeper than can be written, or nothing that JSON knows. What is empty is refused where all bodies are checked.
    return '';
  }
}
