import { AuthError } from '../errors/index.js';

/** What is used of a WebSocket: that of the browser, of Node 22, and of `ws` fit. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly protocol: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;

export async function loadWebSocket(given: WebSocketConstructor | undefined): Promise<WebSocketConstructor> {
  const known = given ?? globalThis.WebSocket;
  // Node has none of its own before version 22.
  return (known ?? (await import('isomorphic-ws')).default) as WebSocketConstructor;
}

/** A supplier of short-lived tokens. Asked again for each connection. */
export type TokenSupplier = () => string | Promise<string>;

/** @throws AuthError where it cannot travel as a subprotocol. The browser's own error would show it. */
export function checkToken(token: unknown): string {
  if (typeof token === 'string' && /^[\w.!#$%&'*+^`|~-]+$/.test(token)) return token;
  throw new AuthError(
    'token() must return a token of letters, digits and -._~, such as a JWT or base64url, because it travels as a WebSocket subprotocol.',
    { code: 'invalid_credentials' },
  );
}
