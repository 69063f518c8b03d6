import type { LiveEvent } from './live.js';

/** What a browser sends as text. Binary messages are audio, behind their position in the audio of the session. */
export type BridgeRequest =
  /** The first message. With `session` it takes up a session whose connection was lost. */
  | {
      readonly type: 'start';
      /** Options of `stream()`, as far as the server allows them. */
      readonly options?: Readonly<Record<string, unknown>>;
      /** The token of `ready`. */
      readonly session?: string;
      /** The last `seq` that was received: later events come again. */
      readonly received?: number;
    }
  | { readonly type: 'finalize' }
  /** No more audio comes. */
  | { readonly type: 'finish' }
  | { readonly type: 'ping'; readonly id: number };

/** An event as JSON: an error is its data. */
export type BridgeEvent =
  | Exclude<LiveEvent, { type: 'error' }>
  | {
      readonly type: 'error';
      readonly error: {
        readonly name: string;
        readonly code: string;
        readonly message: string;
        readonly retryable: boolean;
      };
    };

/** What the bridge sends, always as text. */
export type BridgeMessage =
  /** `session` is a secret. `position` is the first byte of audio that the server still needs. */
  | { readonly type: 'ready'; readonly version: 1; readonly session: string; readonly position: number }
  /** `seq` counts from 1. */
  | { readonly type: 'event'; readonly seq: number; readonly event: BridgeEvent }
  /** Audio before the position need not be kept any more. */
  | { readonly type: 'ack'; readonly position: number }
  /** Nothing more should be sent, until `resume`. */
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'pong'; readonly id: number };

/** Codes with which the bridge closes a connection. 1000 is the end of the session, 1009 a message that is too large. */
export type BridgeCloseCode = 1000 | 1001 | 1009 | 1011 | 1013 | 4400 | 4401 | 4404 | 4408 | 4409;
