import type { TranscriptMode } from './transcript.js';

/**
 * Limits are kept apart per project and endpoint, and live sessions apart from pre-recorded requests, as
 * Deepgram counts. The modes `sync` and `async` share their places.
 */
export interface LimitKey {
  readonly project: string;
  readonly endpoint: string;
  readonly mode: TranscriptMode;
}

export interface LimitLease {
  /** How long the caller waited for it. */
  readonly waitedMs: number;
  /** Gives the place back. Safe to call twice. */
  release(): void;
}

/** Decides when a request may start. */
export interface LimitsAdapter {
  /**
   * Waits for a place; smaller priorities first, equal ones in the order of their coming. Only the caller who
   * is next already may stay ahead of a more urgent one.
   *
   * Rejects with a RateLimitError (code `too_many_waiting`) where too many wait already, and with an
   * AbortedError, or the TranscriptionError that is the signal's reason, when the signal aborts.
   */
  acquire(
    key: LimitKey,
    request: { readonly priority: number; readonly signal: AbortSignal },
  ): Promise<LimitLease>;
  /**
   * What a call would meet now. It takes no place. Only the router asks; where it is missing, the limit counts as one
   * that has room.
   */
  load?(key: LimitKey): LimitLoad | Promise<LimitLoad>;
  close?(): Promise<void>;
}

export interface LimitLoad {
  /** A call that comes now has to wait. */
  readonly isFull: boolean;
  /** Calls that wait already. */
  readonly waiting: number;
}
