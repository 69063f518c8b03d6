import type { TranscriptMode } from './transcript.js';

/** Limits are kept apart for each of these: Deepgram counts per project, endpoint and kind of request. */
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

/**
 * Decides when a request may start.
 *
 * @experimental The shape may change until a second adapter exists.
 */
export interface LimitsAdapter {
  /**
   * Waits for a place. Rejects with a RateLimitError (code `too_many_waiting`) where too many wait already,
   * and with the signal's reason when it aborts.
   */
  acquire(
    key: LimitKey,
    request: { readonly priority: number; readonly signal: AbortSignal },
  ): Promise<LimitLease>;
  close?(): Promise<void>;
}
