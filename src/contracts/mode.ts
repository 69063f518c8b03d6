import type { TranscriptMode } from './transcript.js';

/** What the router knows of a submission. */
export interface RouteFacts {
  /** The mode that the caller asked for. */
  readonly mode?: TranscriptMode;
  /** The audio has no end yet. */
  readonly live: boolean;
  readonly durationSeconds?: number;
  readonly sizeBytes?: number;
  readonly contentType?: string;
  readonly userId?: string;
  /** False for one-shot streams, which a queue cannot keep. */
  readonly queueable: boolean;
}

/** Says which mode, or undefined to leave it to the next rule. Pure. */
export interface RouteRule {
  readonly name: string;
  decide(facts: RouteFacts): TranscriptMode | undefined;
}

export interface RouteDecision {
  readonly mode: TranscriptMode;
  /** Name of the rule that decided. */
  readonly rule: string;
  readonly facts: RouteFacts;
}

export interface RouterOptions {
  /** Audio shorter than this is transcribed synchronously. Default 60. */
  syncBelowSeconds?: number;
  /** Audio longer than this is queued. Default 300. */
  asyncAboveSeconds?: number;
  /** The mode for lengths in between and for unknown ones. Default `sync`. */
  otherwise?: TranscriptMode;
  /** Asked before the built-in rules. */
  rules?: readonly RouteRule[];
}
