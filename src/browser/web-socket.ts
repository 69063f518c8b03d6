import { AuthError } from '../errors/index.js';
import { checkFunction, invalidOption } from '../internal/validate.js';

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

/** A token that was handed in, instead of what supplies it, must not be shown. @throws BadRequestError */
export function checkSupplier(token: unknown): void {
  checkFunction('token', typeof token === 'string' ? {} : token);
}

/** @throws BadRequestError */
export function webSocketUrl(name: string, given: unknown): string {
  try {
    const url = new URL(String(given), globalThis.location?.href);
    if (/^(http|ws)s?:$/.test(url.protocol)) return url.href.replace(/^http/, 'ws');
  } catch {
    // Told below: the text is no part of the message, because it may hold a secret.
  }
  throw invalidOption(name, 'a URL such as wss://app.example.com/stream', typeof given);
}
