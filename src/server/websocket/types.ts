import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { LiveEvent, StreamOptions, Transcript } from '../../contracts/index.js';
import type { TranscriptionError } from '../../errors/index.js';

/** What the bridge uses of a live session. That of `client.stream()` fits. */
export interface BridgeLive extends AsyncIterable<LiveEvent> {
  readonly id?: string;
  /** Settles when there is room for more. The bytes may be used again at once. */
  send(chunk: Uint8Array): Promise<void>;
  finalize(): Promise<void>;
  /** Every call gives the same outcome, after the transcript is stored. */
  finish(): Promise<Transcript>;
  abort(reason?: unknown): void;
}

/** What the bridge uses of a client. A `TranscriptionClient` fits. */
export interface BridgeClient {
  stream(options: StreamOptions): BridgeLive;
}

/** Who has connected. */
export interface BridgePrincipal {
  /** Transcripts are stored as this user's, and only this user may take up a session again. */
  readonly userId: string;
  /** For your own use: the bridge hands it on, and does not look at it. */
  readonly scopes?: readonly string[];
}

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** What the bridge uses of an HTTP server. Those of node:http and node:https fit. */
export interface UpgradeServer {
  on(event: 'upgrade', listener: UpgradeListener): unknown;
  off(event: 'upgrade', listener: UpgradeListener): unknown;
  listeners(event: 'upgrade'): readonly unknown[];
}

/** Why an upgrade was refused. */
export type RefusalReason =
  | 'closing'
  | 'origin'
  | 'protocol'
  | 'connections'
  | 'unauthorized'
  | 'authorize-failed'
  | 'authorize-timeout'
  | 'sessions'
  | 'failed';

/** What happens in the bridge. Holds neither text nor audio, and no token. */
export type BridgeActivity =
  /** An upgrade was answered with an error. */
  | { readonly type: 'refused'; readonly status: number; readonly reason: RefusalReason }
  | { readonly type: 'connected'; readonly userId: string }
  | {
      readonly type: 'disconnected';
      readonly userId: string;
      readonly code: number;
      readonly durationMs: number;
    }
  /** `sessionId` is the id of the live session, and no secret. */
  | { readonly type: 'session-start'; readonly sessionId: string; readonly userId: string }
  | { readonly type: 'session-resume'; readonly sessionId: string; readonly userId: string }
  /** Its browser has gone, and may come back. */
  | { readonly type: 'session-detached'; readonly sessionId: string; readonly userId: string }
  | {
      readonly type: 'session-end';
      readonly sessionId: string;
      readonly userId: string;
      readonly outcome: 'completed' | 'failed';
      readonly audioBytes: number;
      readonly durationMs: number;
    }
  /** A function of yours has failed, or the bridge itself. */
  | { readonly type: 'error'; readonly error: TranscriptionError };
