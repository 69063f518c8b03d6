import type {
  Clock,
  LiveEvent,
  LiveState,
  LiveTransport,
  StreamOptions,
  Transcript,
} from '../contracts/index.js';

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
  readonly transport: LiveTransport;
  readonly settings: LiveSettings;
  readonly clock: Clock;
  /** Waits for a place before the connection is opened. Audio is kept meanwhile. */
  readonly acquire?: ((signal: AbortSignal) => Promise<LivePlace>) | undefined;
  onEvent(event: LiveEvent): void;
  onState(state: LiveState): void;
  /** The outcome is told when this has settled. */
  onEnd(outcome: LiveOutcome): void | Promise<void>;
}
