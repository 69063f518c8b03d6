import type { HttpFaultKind } from './faults.js';

/** One request as the emulator saw it. Grows while the request runs. */
export interface ReceivedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. Of credentials only the scheme is kept: `Token ***`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whose request it was. undefined: it came without a readable key or token. */
  readonly credential: ReceivedCredential | undefined;
  /** The emulator's option `region`. */
  readonly region: string | undefined;
  /** Milliseconds since 1970, on the emulator's clock. */
  readonly startedAt: number;
  /** When the connection was done with it and its processing had ended. undefined: it is still in flight. */
  readonly endedAt: number | undefined;
  /** undefined while the connection is busy with it. */
  readonly outcome: RequestOutcome | undefined;
  /** The fault that it met. */
  readonly fault: HttpFaultKind | undefined;
  /** Of the body, or of the live audio, received so far. */
  readonly bodyBytes: number;
  /** Words recognised in the audio of a pre-recorded request, over all channels. */
  readonly words: number;
  /** undefined until answered, and for good if the client left before. 101 is an accepted live stream. */
  readonly status: number | undefined;
  /** Only for accepted live streams. */
  readonly live: LiveRecord | undefined;
}

/**
 * `answered`: the whole answer was sent, or the live stream ended. `abandoned`: the client left before. `broken`:
 * a fault or `close()` ended the connection.
 */
export type RequestOutcome = 'answered' | 'abandoned' | 'broken';

export interface ReceivedCredential {
  readonly scheme: 'token' | 'bearer';
  /** What `credentialFingerprint` makes of the key or token. */
  readonly fingerprint: string;
}

export interface LiveRecord {
  /** Binary messages received. */
  readonly audioMessages: number;
  /** Text messages in the order received. */
  readonly controls: readonly string[];
  /** undefined while the stream is open. 1006: the connection broke. */
  readonly closeCode: number | undefined;
}

/** One attempt to deliver a result to a `callback`. */
export interface CallbackAttempt {
  readonly requestId: string;
  /** Without user name and password. */
  readonly url: string;
  readonly method: 'POST' | 'PUT';
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Milliseconds since 1970, when the receiver had answered or failed. */
  readonly at: number;
  /** undefined: there was no answer. */
  readonly status: number | undefined;
}

/** How much was in flight from `at` on, in milliseconds since 1970, until the next instant. */
export interface InFlightInstant {
  readonly at: number;
  /** Pre-recorded requests. */
  readonly inFlight: number;
  /** Live streams. */
  readonly live: number;
}

/** What the emulator received. All lists are oldest first and grow. */
export interface EmulatorJournal {
  readonly region: string | undefined;
  readonly requests: readonly ReceivedRequest[];
  /**
   * Pre-recorded requests that have arrived and not ended, those included that the client has left and that are
   * still processed.
   */
  readonly inFlight: number;
  readonly maxInFlight: number;
  /** Open live streams, those included whose handshake is under way. */
  readonly live: number;
  readonly maxLive: number;
  /** One instant for each change. */
  readonly timeline: readonly InFlightInstant[];
  readonly callbacks: readonly CallbackAttempt[];
  /** Sum over all requests. */
  readonly bodyBytes: number;
  /** Sum over all requests. */
  readonly words: number;
}
