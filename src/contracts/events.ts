import type { AudioSourceKind } from './audio-source.js';
import type { JobState } from './job.js';
import type { LiveState } from './live.js';
import type { RouteFacts } from './mode.js';
import type { StorageCollection } from './storage.js';
import type { TranscriptMode } from './transcript.js';

/** Fields that every event of one call shares. */
interface CallFields {
  /** The library's id of the call, `call_…`; of a live session `live_…`. */
  readonly callId: string;
  readonly mode: TranscriptMode;
  readonly model: string;
  readonly region: string;
  readonly userId?: string;
  /** In mode `async`. */
  readonly jobId?: string;
}

/** What the storage was asked to do. */
export type StorageOperation = 'get' | 'put' | 'list' | 'delete' | 'transact' | 'purge';

export type CallStatus = 'success' | 'error' | 'cancelled';

/**
 * What happens inside the client. Metrics and tracing are built on it.
 * An event never holds a transcript, a key, a token or a full URL.
 */
export type ClientEvent =
  | ({ readonly type: 'request-start'; readonly source: AudioSourceKind | 'live' } & CallFields)
  | ({
      readonly type: 'request-end';
      readonly status: CallStatus;
      /** From the moment the call left the limit's queue. */
      readonly durationMs: number;
      /** Time spent waiting for the limit. */
      readonly waitedMs: number;
      readonly attempts: number;
      readonly audioSeconds?: number;
      readonly requestId?: string;
      /** The error's code. */
      readonly code?: string;
    } & CallFields)
  | ({
      /** An attempt has its place in the limits, and sends its request. An `attempt` follows. */
      readonly type: 'attempt-start';
      /** Counts from 1. */
      readonly attempt: number;
    } & CallFields)
  | ({
      readonly type: 'attempt';
      /** Counts from 1. */
      readonly attempt: number;
      readonly status: CallStatus;
      readonly durationMs: number;
      readonly httpStatus?: number;
      readonly requestId?: string;
      readonly code?: string;
    } & CallFields)
  | ({
      readonly type: 'retry';
      /** The attempt that failed. */
      readonly attempt: number;
      readonly delayMs: number;
      readonly code: string;
    } & CallFields)
  | ({ readonly type: 'limit-wait'; readonly waitedMs: number } & CallFields)
  | ({ readonly type: 'failover'; readonly fromRegion: string; readonly code: string } & CallFields)
  | {
      readonly type: 'storage-failure';
      readonly operation: StorageOperation;
      readonly collection: StorageCollection;
      readonly id?: string;
      readonly code: string;
    }
  | {
      readonly type: 'job';
      readonly jobId: string;
      readonly state: JobState;
      /** Attempts begun so far. */
      readonly attempt: number;
      readonly model: string;
      readonly userId?: string;
      readonly code?: string;
      /** Set where the state is an end: from `enqueue` to it. */
      readonly durationMs?: number;
    }
  | {
      /** A call got the transcript of an equal one: nothing was sent. */
      readonly type: 'deduplicated';
      readonly transcriptId: string;
      readonly userId?: string;
    }
  | ({ readonly type: 'live'; readonly state: LiveState } & CallFields)
  | {
      readonly type: 'route';
      readonly mode: TranscriptMode;
      /** Name of the rule that decided. */
      readonly rule: string;
      /** What the rules were asked with: neither the URL nor the name of the audio is among it. */
      readonly facts: RouteFacts;
    }
  | {
      readonly type: 'webhook-delivery';
      readonly jobId: string;
      readonly attempt: number;
      readonly status: CallStatus;
      readonly durationMs: number;
      readonly httpStatus?: number;
    }
  | {
      readonly type: 'warning';
      readonly code: string;
      readonly message: string;
      /** The call or live session that it is about. */
      readonly callId?: string;
      readonly jobId?: string;
    };

export type ClientEventOf<Type extends ClientEvent['type']> = Extract<ClientEvent, { type: Type }>;

/** The shape that a typed event emitter wants. */
export type ClientEventMap = {
  [Type in ClientEvent['type']]: (event: ClientEventOf<Type>) => void;
};

/** Where the parts of the client report to. Never throws. */
export type EventSink = (event: ClientEvent) => void;
