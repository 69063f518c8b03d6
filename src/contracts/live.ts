import type { Transcript, Word } from './transcript.js';

/** A stretch of text of one channel. Times are seconds from the first byte sent. */
export interface LiveSegment {
  readonly channel: number;
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly confidence: number;
  readonly words: readonly Word[];
}

/** What can be changed of a Flux stream while it runs. */
export interface FluxChanges {
  readonly thresholds?: {
    readonly eot_threshold?: number;
    readonly eager_eot_threshold?: number;
    readonly eot_timeout_ms?: number;
  };
  readonly keyterms?: readonly string[];
  readonly language_hints?: readonly string[];
}

/** What is known of a turn. */
export interface LiveTurn extends LiveSegment {
  readonly turn: number;
  /** How sure Flux is that the turn has ended, from 0 to 1. */
  readonly endConfidence: number;
}

/**
 * Why audio was lost: there was no room for it and no store to put it into; the store did not take it or give it back; a
 * format that cannot be sent again from its middle; the repair failed.
 */
export type GapReason = 'no-room' | 'store-failed' | 'format' | 'repair-failed';

/** What a live session tells, in the order in which it happened. */
export type LiveEvent =
  /** The connection is open; `connection` counts from 0. */
  | { readonly type: 'open'; readonly connection: number; readonly requestId?: string }
  /** What has been understood so far of the segment that is being spoken. A later one replaces it. */
  | ({ readonly type: 'interim' } & LiveSegment)
  /** A segment that will not change any more. Never repeated, never retracted. */
  | ({
      readonly type: 'final';
      readonly speechFinal: boolean;
      readonly fromFinalize: boolean;
      /** Transcribed after an outage, by the synchronous or the queued pattern: it may come after later ones. */
      readonly repaired?: true;
    } & LiveSegment)
  | { readonly type: 'speech-start'; readonly channel: number; readonly at: number }
  | { readonly type: 'utterance-end'; readonly channel: number; readonly lastWordEnd: number }
  /** Flux: somebody began to speak. `turn` counts from 0, across reconnects. */
  | { readonly type: 'turn-start'; readonly turn: number; readonly at: number }
  /** Flux: the turn has probably ended. `turn-resume` takes it back. */
  | ({ readonly type: 'turn-eager-end' } & LiveTurn)
  /** Flux: the turn goes on after an eager end. */
  | { readonly type: 'turn-resume'; readonly turn: number; readonly at: number }
  /** Flux: the turn has ended. Its text also comes as a `final`, before this. */
  | ({ readonly type: 'turn-end' } & LiveTurn)
  /** The connection has ended. Attempts count from 1, and begin after `delayMs`. */
  | { readonly type: 'reconnecting'; readonly attempt: number; readonly delayMs: number }
  | { readonly type: 'reconnected'; readonly connection: number }
  /** Audio that could not be saved. */
  | { readonly type: 'gap'; readonly from: number; readonly to: number; readonly reason: GapReason }
  | { readonly type: 'warning'; readonly code: string; readonly message: string }
  | { readonly type: 'error'; readonly error: Error }
  /** The last event. `transcript` is missing where the session failed or was aborted. */
  | { readonly type: 'end'; readonly transcript?: Transcript };

export type LiveEventOf<Type extends LiveEvent['type']> = Extract<LiveEvent, { type: Type }>;

/** The shape that a typed event emitter wants. */
export type LiveEventMap = {
  [Type in LiveEvent['type']]: (event: LiveEventOf<Type>) => void;
};

/** Figures of a live session, at the moment of the call. */
export interface LiveStats {
  readonly state: LiveState;
  readonly bytesSent: number;
  /** Bytes accepted by `send()` that have not left the process. */
  readonly bytesBuffered: number;
  /** Seconds of audio sent; undefined where the encoding does not tell. */
  readonly sentSeconds?: number;
  readonly finals: number;
  readonly interims: number;
  readonly connections: number;
  /** Bytes of audio that are kept because they are not final yet. */
  readonly bytesHeld: number;
  /** Seconds of audio that were lost, as the `gap` events told. */
  readonly gapSeconds: number;
}

export type LiveState = 'connecting' | 'open' | 'reconnecting' | 'finishing' | 'ended' | 'failed';
