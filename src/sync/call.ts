import type { Clock, EventSink, LimitsAdapter, ResolvedSource, Transcript } from '../contracts/index.js';
import type { CredentialsProvider } from '../deepgram/credentials.js';
import type { Parameters } from '../deepgram/map-options.js';
import type { PrerecordedApi } from '../deepgram/prerecorded.js';
import type { Lazy } from '../internal/lazy.js';
import type { RetryPolicy } from '../resilience/retry.js';
import type { RetryBudget } from '../resilience/retry-budget.js';
import type { SpendGuard } from '../resilience/spend-guard.js';

export interface TranscriberParts<Api = PrerecordedApi> {
  /** Made at the first call, so that a client which is never used costs nothing. */
  readonly api: Lazy<Api>;
  readonly credentials: CredentialsProvider;
  readonly limits: LimitsAdapter;
  readonly budget: RetryBudget;
  readonly spend: SpendGuard;
  /** Rejects where a URL must not be handed to the region. */
  readonly checkSource: (source: ResolvedSource, region: CallRegion, signal: AbortSignal) => Promise<void>;
  readonly warnOfCosts: (parameters: Parameters, callId: string) => void;
  readonly project: string;
  readonly clock: Clock;
  readonly emit: EventSink;
}

/** One call, every option settled. */
export interface TranscribeCall {
  readonly source: ResolvedSource;
  readonly mode: 'sync' | 'async';
  readonly parameters: Parameters;
  readonly model: string;
  readonly language: string | undefined;
  readonly region: CallRegion;
  readonly priority: number;
  readonly retry: RetryPolicy;
  /** Undefined: the signal ends the call. */
  readonly timeoutMs: number | undefined;
  readonly attemptTimeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly userId: string | undefined;
  readonly jobId: string | undefined;
  readonly durationSeconds: number | undefined;
  /** Of the transcript. Default: a new one. */
  readonly transcriptId?: string;
  /** Stores the transcript, within the time of the call. Never rejects. */
  readonly keep: ((transcript: Transcript, signal: AbortSignal) => Promise<void>) | undefined;
}

export interface CallRegion {
  readonly name: string;
  readonly endpoint: string;
  readonly allowedSources: readonly string[];
}
