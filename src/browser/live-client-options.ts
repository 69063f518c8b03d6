import type { LiveDeepgramOptions } from '../contracts/index.js';
import { checkNumber, checkPlainObject } from '../internal/validate.js';
import type { BridgeConnectionSettings } from './bridge-connection.js';
import { checkSupplier, type TokenSupplier, type WebSocketConstructor, webSocketUrl } from './web-socket.js';

export interface LiveClientOptions {
  /** The bridge, such as `wss://app.example.com/stream` or, in a page, `/stream`. */
  url: string | URL;
  /** Options of `stream()`, as far as the bridge allows them. For a microphone: its `format`, and what you like. */
  options?: LiveDeepgramOptions;
  /**
   * A short-lived token, asked for again for each connection. It travels as the subprotocol `bearer.<token>`, which
   * `authorize` of the bridge finds in the header `sec-websocket-protocol`. Without it: cookies.
   */
  token?: TokenSupplier;
  /** Further subprotocols. */
  protocols?: readonly string[];
  /** Audio that is kept until the bridge has confirmed it. Default: 60 seconds, or 4 MiB where the format does not tell. */
  bufferBytes?: number;
  /** Longest wait for one connection. Default 10000. */
  connectTimeoutMs?: number;
  /** Longest time without a connection, at the beginning and later. Default 60000. */
  giveUpAfterMs?: number;
  /** Default: that of the browser; in Node that of isomorphic-ws. */
  WebSocket?: WebSocketConstructor;
}

export interface LiveClientSettings extends BridgeConnectionSettings {
  readonly options: Readonly<Record<string, unknown>>;
  readonly bytesPerSecond: number | undefined;
  readonly bufferBytes: number;
  readonly giveUpAfterMs: number;
}

const BUFFER_SECONDS = 60;
const BUFFER_BYTES = 4 * 1024 * 1024;

/** @throws BadRequestError */
export function resolveLiveClientOptions(given: LiveClientOptions): LiveClientSettings {
  checkPlainObject('options', given.options);
  checkSupplier(given.token);
  checkNumber('bufferBytes', given.bufferBytes, { min: 65_536 });
  checkNumber('connectTimeoutMs', given.connectTimeoutMs, { min: 1 });
  checkNumber('giveUpAfterMs', given.giveUpAfterMs, { min: 1 });
  const options = { ...given.options };
  const bytesPerSecond = bytesPerSecondOf(options);
  return {
    url: webSocketUrl('url', given.url),
    protocols: [...(given.protocols ?? [])],
    token: given.token,
    WebSocket: given.WebSocket,
    options,
    bytesPerSecond,
    bufferBytes: given.bufferBytes ?? ((bytesPerSecond ?? 0) * BUFFER_SECONDS || BUFFER_BYTES),
    connectTimeoutMs: given.connectTimeoutMs ?? 10_000,
    giveUpAfterMs: given.giveUpAfterMs ?? 60_000,
  };
}

const SAMPLE_BYTES: Readonly<Record<string, number>> = { linear16: 2, mulaw: 1, alaw: 1 };

/** Undefined where the format does not tell. */
function bytesPerSecondOf(options: LiveDeepgramOptions): number | undefined {
  const { encoding = '', sample_rate = 0, channels = 1 } = options;
  return (SAMPLE_BYTES[encoding] ?? 0) * sample_rate * channels || undefined;
}
