import type {
  AudioStore,
  Clock,
  LiveEvent,
  LiveProtocol,
  LiveState,
  LiveStats,
  LiveTransport,
  StreamOptions,
  Transcript,
} from '../contracts/index.js';
import type { AudioChunk } from './audio-bytes.js';
import type { TranscribeStretch } from './repairs.js';

/** What a session does when its connection ends, with every default filled in. */
export interface LiveRecovery {
  /** False: the session fails. */
  readonly reconnect: ReconnectSettings | false;
  /** Seconds of audio that are kept in memory. */
  readonly replaySeconds: number;
  /** How audio for which the memory was too short is transcribed. */
  readonly repair: 'sync' | 'queue' | false;
}

export interface ReconnectSettings {
  /** The longest outage. */
  readonly giveUpAfterMs: number;
  /** The longest pause between two attempts. */
  readonly maxDelayMs: number;
}

/** A field that is undefined is one that is not there. */
type Unset<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined };

/** The options of `stream()` that a session needs. */
export interface LiveSettings
  extends Partial<LiveRecovery>,
    Unset<
      Pick<StreamOptions, 'language' | 'encoding' | 'sample_rate' | 'channels' | 'finishTimeoutMs' | 'signal'>
    > {
  readonly model: string;
  /** Interim results were asked for: results come often. */
  readonly interimResults?: boolean;
  /** Default `v1`. */
  readonly protocol?: LiveProtocol;
}

/** A place among the live sessions that may run at the same time. */
export interface LivePlace {
  release(): void;
}

/** Where the audio of long outages is kept, and what transcribes it. */
export interface SessionRepair {
  readonly store: AudioStore;
  readonly transcribe: TranscribeStretch;
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
  /** The same one, then those of other regions that may take its place. */
  readonly transports?: readonly [LiveTransport, ...LiveTransport[]];
  readonly settings: LiveSettings;
  readonly clock: Clock;
  /** For audio that is too much for the memory in an outage. */
  readonly repair?: SessionRepair | undefined;
  /** From 0 to 1, for the pauses between attempts. Default Math.random. */
  readonly random?: (() => number) | undefined;
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
  configure(message: Readonly<Record<string, unknown>>): Promise<void>;
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
export type PendingSession = Omit<SessionDependencies, 'transport' | 'transports' | 'acquire' | 'repair'>;

/** Makes the session, once its code is there. */
export type SessionFactory = (pending: PendingSession) => StartableSession;
