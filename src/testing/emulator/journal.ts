import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../contracts/clock.js';
import { credentialsFromHeader, credentialsFromProtocols } from './auth.js';
import type {
  CallbackAttempt,
  EmulatorJournal,
  InFlightInstant,
  LiveRecord,
  ReceivedCredential,
  ReceivedRequest,
  RequestOutcome,
} from './journal-types.js';

type Recorded<Value> = { -readonly [Key in keyof Value]: Value[Key] };
export type RequestEntry = Recorded<Omit<ReceivedRequest, 'live' | 'faults'>> & {
  live: LiveEntry | undefined;
  readonly faults: ReceivedRequest['faults'][number][];
};
export type LiveEntry = Recorded<Omit<LiveRecord, 'controls'>> & { controls: string[] };

/** A request that has not ended. */
export interface OpenRequest {
  readonly entry: RequestEntry;
  /** Keeps the request in flight, also after its connection ended, until the function returned is called. */
  hold(): () => void;
  /** The connection is done with it. The first outcome counts. */
  end(outcome: RequestOutcome): void;
}

type Traffic = 'inFlight' | 'live';

export class Journal implements EmulatorJournal {
  readonly region: string | undefined;
  readonly requests: RequestEntry[] = [];
  readonly timeline: InFlightInstant[] = [];
  readonly callbacks: CallbackAttempt[] = [];
  readonly #clock: Clock;
  readonly #now = { inFlight: 0, live: 0 };
  readonly #most = { inFlight: 0, live: 0 };
  readonly #connected = new Set<OpenRequest>();

  constructor(clock: Clock, region: string | undefined) {
    this.#clock = clock;
    this.region = region;
  }

  get inFlight(): number {
    return this.#now.inFlight;
  }

  get maxInFlight(): number {
    return this.#most.inFlight;
  }

  get live(): number {
    return this.#now.live;
  }

  get maxLive(): number {
    return this.#most.live;
  }

  get bodyBytes(): number {
    return this.requests.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
  }

  get words(): number {
    return this.requests.reduce((sum, { words }) => sum + words, 0);
  }

  open(request: IncomingMessage, protocol: 'http' | 'webSocket'): OpenRequest {
    const entry = journalEntry(request, this.#clock.wallMs(), this.region);
    this.requests.push(entry);
    const traffic = trafficOf(entry, protocol);
    this.#count(traffic, 1);
    let holds = 0;
    const hold = (): (() => void) => {
      holds += 1;
      return once(() => {
        holds -= 1;
        if (holds > 0) return;
        entry.endedAt = this.#clock.wallMs();
        this.#count(traffic, -1);
      });
    };
    const release = hold();
    const open: OpenRequest = {
      entry,
      hold,
      end: (outcome) => {
        this.#connected.delete(open);
        entry.outcome ??= outcome;
        release();
      },
    };
    this.#connected.add(open);
    return open;
  }

  /** The emulator breaks all connections. */
  breakAll(): void {
    for (const open of [...this.#connected]) open.end('broken');
  }

  #count(traffic: Traffic | undefined, change: number): void {
    if (!traffic) return;
    this.#now[traffic] += change;
    this.#most[traffic] = Math.max(this.#most[traffic], this.#now[traffic]);
    this.timeline.push({ at: this.#clock.wallMs(), ...this.#now });
  }
}

/** Tells keys and tokens apart in the journal without showing them: 12 hexadecimal digits. */
export function credentialFingerprint(keyOrToken: string): string {
  return createHash('sha256').update(keyOrToken).digest('hex').slice(0, 12);
}

/** The host is of no importance: the path and the query are. */
export function requestUrl(request: IncomingMessage): URL {
  const target = request.url ?? '/';
  // Not as a base: two slashes at the begin would then name a host.
  const url = target.startsWith('/') ? `http://localhost${target}` : target;
  return URL.canParse(url) ? new URL(url) : new URL('http://localhost');
}

function journalEntry(request: IncomingMessage, startedAt: number, region: string | undefined): RequestEntry {
  const url = requestUrl(request);
  return {
    requestId: randomUUID(),
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: visibleHeaders(request),
    credential: credentialOf(request),
    region,
    startedAt,
    endedAt: undefined,
    outcome: undefined,
    faults: [],
    bodyBytes: 0,
    words: 0,
    audioProblem: undefined,
    status: undefined,
    live: undefined,
  };
}

function trafficOf({ method, path }: RequestEntry, protocol: 'http' | 'webSocket'): Traffic | undefined {
  if (protocol === 'webSocket') return 'live';
  return method === 'POST' && path === '/v1/listen' ? 'inFlight' : undefined;
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}

function credentialOf({ headers }: IncomingMessage): ReceivedCredential | undefined {
  const credentials =
    credentialsFromHeader(headers.authorization) ??
    credentialsFromProtocols(headers['sec-websocket-protocol']);
  return credentials && { scheme: credentials.scheme, fingerprint: credentialFingerprint(credentials.value) };
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
