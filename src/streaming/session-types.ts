import type {
  Clock,
  LiveEvent,
  LiveState,
  LiveStats,
  LiveTransport,
  StreamOptions,
  Transcript,
} from '../contracts/index.js';
import type { AudioChunk } from './audio-bytes.js';

/** The options of `stream()` that a session needs. */
export interface LiveSettings
  extends Pick<
    StreamOptions,
    'language' | 'encoding' | 'sample_rate' | 'channels' | 'finishTimeoutMs' | 'signal'
  > {
  readonly model: string;
}

/** A place among the live sessions that may run at the same time. */
export interface LivePlace {
  release(): void;
}

/** How a session ended: with the transcript or with the error. */
export interface LiveOutcome {
  readonly transcript?: Transcript;
  readonly error?: Error;
}

export interface SessionDependencies {
  onEvent(event: LiveEvent): void;
  onState(state: LiveState): void;
  /** The outcome is told when this has settled. */
  onEnd(outcome: LiveOutcome): void | Promise<void>;
  readonly transport: LiveTransport;
  readonly settings: LiveSettings;
  readonly clock: Clock;
  /** Of the transcript. */
  readonly transcriptId: string;
  /** Waits for a place before the connection is opened. Audio is kept meanwhile. */
  readonly acquire?: ((signal: AbortSignal) => Promise<LivePlace>) | undefined;
}

export interface PipeOptions {
  /** True leaves the session open when the source has ended. Default false. */
  preventFinish?: boolean;
  /** True sends as fast as it is spoken; otherwise up to 1.25 times as fast. Default false. */
  realtime?: boolean;
  /**
   * Aborting it ends the source as its own end would: it is cancelled, what was sent stays, and the session is
   * finished unless `preventFinish` is set.
   */
  signal?: AbortSignal;
}

/** What a caller does with a session. The promises are never unhandled. */
export interface LiveControls {
  /** Settles when the connection is open. */
  readonly opened: Promise<void>;
  /** The transcript, or the error. */
  readonly outcome: Promise<Transcript>;
  send(chunk: AudioChunk): Promise<void>;
  finalize(): Promise<void>;
  pipeFrom(source: unknown, options: PipeOptions): Promise<void>;
  finish(): Promise<Transcript>;
  stop(): Promise<Transcript>;
  abort(reason?: unknown): void;
  partial(): Transcript;
  stats(): LiveStats;
}

/** A session that waits for its start. */
export interface StartableSession {
  readonly controls: LiveControls;
  start(): void;
}

/** What is known of a session before its code is there. */
export type PendingSession = Omit<SessionDependencies, 'transport' | 'acquire'>;

/** Makes the session, once its code is there. */
export type SessionFactory = (pending: PendingSession) => StartableSession;
