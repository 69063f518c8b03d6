import type { LiveDeepgramOptions } from '../contracts/index.js';
import type { TokenSupplier, WebSocketConstructor } from './web-socket.js';

export interface DirectClientOptions {
  /**
   * A short-lived token of Deepgram's (`POST /v1/auth/grant`, made by your server), asked for again for each connection.
   * Never an API key: who opens the page could read it.
   */
  token: TokenSupplier;
  /** Deepgram's options. `model` is `nova-3` unless it is set. */
  options?: Partial<LiveDeepgramOptions>;
  /** Default `https://api.deepgram.com`. */
  endpoint?: string | URL;
  /** Longest wait for one connection. Default 10000. */
  connectTimeoutMs?: number;
  /** Longest time without a connection. Default 60000. */
  giveUpAfterMs?: number;
  /** Longest wait in `finish()` for the last results. Default 15000. */
  finishTimeoutMs?: number;
  /** Seconds of audio that are kept for the time after an outage. Default 30. */
  replaySeconds?: number;
  /** Default: that of the browser; in Node that of isomorphic-ws. */
  WebSocket?: WebSocketConstructor;
}
