import type { HttpFaultKind } from './faults.js';
import type { LiveFaultKind } from './live-faults.js';

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
  /** The faults that have struck it, in that order. An HTTP request meets at most one. */
  readonly faults: readonly (HttpFaultKind | LiveFaultKind)[];
  /** Of the body, or of the live audio, received so far. */
  readonly bodyBytes: number;
  /**
   * Words recognised so far, over all channels: in the audio of a recording, in the finals of a live stream, in the
   * turns of a Flux stream.
   */
  readonly words: number;
  /** Why its audio was refused. undefined: it was not. */
  readonly audioProblem: AudioProblem | undefined;
  /** undefined until answered, and for good if the client left before. 101 is an accepted live stream. */
  readonly status: number | undefined;
  /** Only for accepted live streams. */
  readonly live: LiveRecord | undefined;
}

/**
 * `answered`: the whole answer was sent, or the emulator closed the live stream, because of CloseStream or because of
 * what it received. `abandoned`: the client left before. `broken`: a fault or `close()` ended the connection.
 */
export type RequestOutcome = 'answered' | 'abandoned' | 'broken';

/**
 * Why audio was refused. `empty`: there was none. `unknownFormat`: it begins like no format that is known.
 * `lacksHeader`: a WebM or Ogg stream that begins behind its header. `resumesInside`: a WebM or Ogg stream that begins or
 * goes on inside a block or page. `corrupt`: the header is cut short or contradicts itself. `noDecoder`: the audio
 * is intact, as far as it was read, and the emulator cannot decode it, such as Opus.
 */
export type AudioProblem =
  | 'empty'
  | 'unknownFormat'
  | 'lacksHeader'
  | 'resumesInside'
  | 'corrupt'
  | 'noDecoder';

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
