import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { checkMethods, invalidOption } from '../../internal/validate.js';
import { Bridge } from './bridge.js';
import { resolveBridgeOptions, type WebSocketBridgeOptions } from './options.js';
import type { BridgeClient, UpgradeServer } from './types.js';

export type {
  BridgeCloseCode,
  BridgeEvent,
  BridgeMessage,
  BridgeRequest,
} from '../../contracts/bridge.js';
export { bearerToken } from './bearer-token.js';
export { DEFAULT_ALLOWED_OPTIONS, type WebSocketBridgeOptions } from './options.js';
export { createStreamTokens, type StreamTokens, type StreamTokensOptions } from './stream-tokens.js';
export type {
  BridgeActivity,
  BridgeClient,
  BridgeLive,
  BridgePrincipal,
  RefusalReason,
  UpgradeListener,
  UpgradeServer,
} from './types.js';

/** The way of browsers to live sessions. */
export interface WebSocketBridge {
  /** WebSockets that are open now. */
  readonly connections: number;
  /** Sessions that run, wait for their browser, or have ended and were not fetched yet. */
  readonly sessions: number;
  /**
   * Takes the upgrades of `path` from a server: that of `http.createServer()`, of Express's `app.listen()`,
   * `server.server` of Fastify, of Hono's `serve()`, of Next's custom server. Other paths are left to other listeners,
   * and answered with 404 where there are none.
   */
  attach(server: UpgradeServer): void;
  /** For a listener of your own on `upgrade`. False: the path is another one, and nothing was done. Never rejects. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<boolean>;
  /**
   * Refuses new connections with 503 and finishes what runs, so that its transcripts are stored. What has not ended
   * after `timeoutMs` (default 10000) is aborted. Leaves client and server open. Idempotent.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/**
 * Lets browsers speak to Deepgram through your server: the key stays here, and a session outlives the connection of its
 * browser. Needs the package ws.
 *
 * ```ts
 * const bridge = createWebSocketBridge(client, { authorize: (request) => userOf(request.headers.cookie) });
 * bridge.attach(server);
 * ```
 *
 * Throws a BadRequestError for options that are unknown or out of range.
 */
export function createWebSocketBridge(
  client: BridgeClient,
  options: WebSocketBridgeOptions,
): WebSocketBridge {
  if (client === undefined) throw invalidOption('client', 'a TranscriptionClient', client);
  checkMethods('client', client, ['stream']);
  return new Bridge(client, resolveBridgeOptions(options));
}
