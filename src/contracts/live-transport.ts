/** What a connection speaks: `/v1/listen`, or `/v2/listen` of the Flux models, which knows neither KeepAlive nor Finalize. */
export type LiveProtocol = 'v1' | 'flux';

/** Messages that the client sends besides audio. */
export type LiveControl = 'KeepAlive' | 'Finalize' | 'CloseStream';

export interface LiveClose {
  readonly code: number;
  readonly reason: string;
}

/**
 * What a connection tells its session. No handler is called before `connect()` has returned; `onClose` is the
 * last call, and comes exactly once.
 */
export interface LiveConnectionHandlers {
  onOpen(details: { requestId?: string }): void;
  /** A parsed JSON message. A message that is no JSON object is reported as a warning instead. */
  onMessage(message: Readonly<Record<string, unknown>>): void;
  onWarning(warning: { code: string; message: string }): void;
  /** The other side has answered a `ping()`. Where there are no pings, such as in a browser, it never comes. */
  onPong(): void;
  /** Bytes that had to wait have left the process: `bufferedAmount` is worth another look. */
  onDrain(): void;
  /** `error` is set where the connection failed: a refused handshake, a broken socket, a fatal close. */
  onClose(close: LiveClose, error?: Error): void;
}

/**
 * One connection. Sending before `onOpen` or after `onClose` throws; what is sent while the connection closes is
 * lost.
 */
export interface LiveConnection {
  /** The chunk is the caller's again when it returns. */
  sendAudio(chunk: Uint8Array): void;
  sendControl(control: LiveControl): void;
  /** Flux alone: changes thresholds and terms while the stream runs. The message is that of Deepgram's Configure. */
  configure(message: Readonly<Record<string, unknown>>): void;
  /** A WebSocket ping. Never throws. False where the platform has none, or where the connection is not open. */
  ping(): boolean;
  /** Bytes that were sent and have not left the process. */
  readonly bufferedAmount: number;
  /** Closes without waiting for late results. Safe to call twice. */
  close(code?: number, reason?: string): void;
}

/**
 * Opens connections for live sessions. It hides the SDK, the WebSocket library and the credentials, so that
 * a session runs wherever JavaScript does.
 */
export interface LiveTransport {
  /** Returns at once; what happens is told to the handlers. Never throws. */
  connect(handlers: LiveConnectionHandlers): LiveConnection;
  /** Name of the region that the connection goes to. */
  readonly region: string;
  readonly protocol: LiveProtocol;
}
