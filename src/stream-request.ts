import type { SettledStream } from './call-options.js';
import type { StreamOptions, Transcript } from './contracts/index.js';

/** What the events of a live session have in common. */
export interface StreamFields {
  readonly callId: string;
  readonly mode: 'stream';
  readonly model: string;
  readonly region: string;
  readonly userId?: string;
}

/** One live session of a client, before its connection. */
export interface StreamRequest {
  readonly settled: SettledStream;
  readonly options: StreamOptions;
  /** Of its events. */
  readonly fields: StreamFields;
  /** The spend guard lets it pass: it hears from this how much it was. Undefined where the session ended early. */
  readonly onPassed: (settle: (transcript: Transcript | undefined) => void) => void;
  /** It has its place in the limits, for which it waited so long. */
  readonly onPlace: (waitedMs: number) => void;
}
