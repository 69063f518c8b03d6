import type { TranscriptMode } from './transcript.js';

/** How busy the client is, at the moment of the decision. */
export interface RouteLoad {
  /** A synchronous call would have to wait for a place of the client's `limits`. */
  readonly saturated: boolean;
  /** Calls that wait for such a place. */
  readonly waiting: number;
  /** At least 5 attempts in the last 30 seconds, and half of them failed for reasons of the network or of Deepgram. */
  readonly regionFailing: boolean;
}

/** What the router knows of a submission. */
export interface RouteFacts {
  /** The mode that the caller asked for. */
  readonly mode?: TranscriptMode;
  /** The audio has no end yet. */
  readonly live: boolean;
  readonly durationSeconds?: number;
  /** `durationSeconds` was read from the audio, and is what the file says of itself. */
  readonly probed?: true;
  readonly sizeBytes?: number;
  /** In lower case and without parameters, such as `audio/wav`. */
  readonly contentType?: string;
  readonly userId?: string;
  /** False for one-shot streams, which a queue cannot keep. */
  readonly queueable: boolean;
  /** The caller takes a job where a transcript would have to wait. */
  readonly allowAsync: boolean;
  readonly load: RouteLoad;
}

/** Says which mode, or undefined to leave it to the next rule. Pure. */
export interface RouteRule {
  readonly name: string;
  decide(facts: RouteFacts): TranscriptMode | undefined;
}

export interface RouteDecision {
  readonly mode: TranscriptMode;
  /** Name of the rule that decided; `otherwise` where none did. */
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
  /**
   * An array: asked after the caller's own `mode` and before the other built-in rules. A function: takes the built-in
   * rules, `asked-for`, `live-audio`, `long-audio`, `pressure` and `short-audio`, and returns all that are asked, in
   * their order. It is called once, by the first submit().
   */
  rules?: readonly RouteRule[] | ((builtIn: readonly RouteRule[]) => readonly RouteRule[]);
  /** The `allowAsync` of submissions that say neither it nor a mode. Default false. */
  allowAsync?: boolean;
  /**
   * Whether an unknown length is read from the audio: from a few kilobytes of it, 512 at most, in 3 seconds at most.
   * `local`: of files, bytes and blobs. `all`: of URLs as well, by ranged requests of this process to public addresses
   * and to the region's `allowedSources`. Streams are never probed. Most formats need the packages `music-metadata` and
   * `@tokenizer/range`. Default `local`.
   */
  probe?: 'local' | 'all' | false;
}
