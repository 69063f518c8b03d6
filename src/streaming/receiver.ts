import type { LiveEvent } from '../contracts/index.js';

/** What becomes of Deepgram's messages. */
export interface ReceiverHooks {
  onEvent(event: LiveEvent): void;
  /** All audio of the channel is final up to there, in seconds of the session. */
  onFinalUntil(channel: number, seconds: number, channels: number): void;
  /** Results that answer a Finalize. */
  onFinalized(channel: number, channels: number): void;
  /** The last message of a stream. */
  onMetadata(): void;
  /** The answer to a Configure of Flux. `error`: it was refused. */
  onConfigured(error?: Error): void;
}

/** Where the times of a connection lie in the session. */
export interface ConnectionTimes {
  /** The second of the session that is second 0 of the connection. */
  offsetOf(connection: number): number;
  /** The second of the session up to which the channel is final. */
  finalUntil(channel: number): number;
}

/** Reads the messages of one protocol, across connections. */
export interface Receiver {
  /** Finals that were told. */
  readonly finals: number;
  readonly interims: number;
  receive(message: Readonly<Record<string, unknown>>, connection: number): void;
  /** The stream has ended as it should. What the protocol leaves open then is told. */
  end(): void;
}
