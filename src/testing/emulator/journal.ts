import type { IncomingMessage } from 'node:http';

/** One request as the emulator saw it. Grows while the request runs. */
export interface ReceivedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. Of credentials only the scheme is kept: `Token ***`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Of the body, or of the live audio, received so far. */
  readonly bodyBytes: number;
  /** undefined until answered, and for good if the client left before. 101 is an accepted live stream. */
  readonly status: number | undefined;
  /** Only for accepted live streams. */
  readonly live: LiveRecord | undefined;
}

export interface LiveRecord {
  /** Binary messages received. */
  readonly audioMessages: number;
  /** Text messages in the order received. */
  readonly controls: readonly string[];
  /** undefined while the stream is open. 1006: the connection broke. */
  readonly closeCode: number | undefined;
}

type Recorded<Value> = { -readonly [Key in keyof Value]: Value[Key] };
export type RequestEntry = Recorded<Omit<ReceivedRequest, 'live'>> & { live: LiveEntry | undefined };
export type LiveEntry = Recorded<Omit<LiveRecord, 'controls'>> & { controls: string[] };

export function journalEntry(request: IncomingMessage, requestId: string): RequestEntry {
  const url = requestUrl(request);
  return {
    requestId,
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: visibleHeaders(request),
    startedAt: Date.now(),
    bodyBytes: 0,
    status: undefined,
    live: undefined,
  };
}

/** The host is of no importance: the path and the query are. */
export function requestUrl(request: IncomingMessage): URL {
  const target = request.url ?? '/';
  return URL.canParse(target, 'http://localhost')
    ? new URL(target, 'http://localhost')
    : new URL('http://localhost');
}

function visibleHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = hideCredentials(name, Array.isArray(value) ? value.join(', ') : (value ?? ''));
  }
  return headers;
}

function hideCredentials(name: string, value: string): string {
  if (name === 'authorization')
    return value.trim().replace(/^(?:(\S+)\s+)?.*$/s, (_, scheme = '') => `${scheme} ***`.trim());
  if (name === 'sec-websocket-protocol') return value.replace(/\b(token|bearer)\s*,\s*[^,]+/i, '$1, ***');
  return value;
}
