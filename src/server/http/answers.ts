import type {
  JobProgress,
  JobState,
  JobStatus,
  RouteDecision,
  RouteFacts,
  Transcript,
} from '../../contracts/index.js';

/** What the handlers answer and what the client of the API gets. The tests hold it equal to the schemas. */

/** How busy the server is concerns nobody else. */
export interface ToldDecision extends Omit<RouteDecision, 'facts'> {
  readonly facts: Omit<RouteFacts, 'load'>;
}

/** The transcript. */
export interface SyncAnswer {
  readonly mode: 'sync';
  readonly transcript: Transcript;
  /** Deepgram's id of the request. */
  readonly requestId: string;
  readonly decision: ToldDecision;
}

/** The job that will make the transcript. */
export interface AsyncAnswer {
  readonly mode: 'async';
  readonly jobId: string;
  /** Paths on the server. */
  readonly statusUrl: string;
  readonly eventsUrl: string;
  readonly decision: ToldDecision;
}

/** Where to stream the audio to: for `createLiveClient()` of `transcription-client/browser`. */
export interface StreamAnswer {
  readonly mode: 'stream';
  /** Of the WebSocket. */
  readonly url: string;
  /** Short-lived. */
  readonly token: string;
  readonly expiresInSeconds: number;
  readonly decision?: ToldDecision;
}

/** Told apart by `mode`. */
export type TranscribeAnswer = SyncAnswer | AsyncAnswer | StreamAnswer;

/** A job at one moment, told apart by `state`. */
export type JobAnswer =
  | Exclude<JobStatus, { readonly state: 'completed' }>
  | (Extract<JobStatus, { readonly state: 'completed' }> & {
      /** A path on the server. */
      readonly transcriptUrl?: string;
    });

/** One step of a job. `progress` is not kept: who begins to follow later has missed it. */
export type JobEventAnswer =
  | { readonly type: JobState; readonly status: JobAnswer }
  | { readonly type: 'progress'; readonly status: JobAnswer; readonly progress: JobProgress };

export interface TokenAnswer {
  readonly token: string;
  readonly expiresInSeconds: number;
}

export interface HealthAnswer {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly problems: readonly {
    readonly part: string;
    readonly code: string;
    readonly severity: 'error' | 'warning';
  }[];
  readonly checks?: readonly {
    readonly name: string;
    /** Of Deepgram: each region has a check of its own. */
    readonly region?: string;
    readonly state: 'ok' | 'degraded' | 'down' | 'unknown';
    readonly latencyMs?: number;
  }[];
}
