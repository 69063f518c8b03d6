import type { IncomingMessage } from 'node:http';

const SUBPROTOCOL = 'bearer.';

/**
 * The token of a request, for `authorize`: of the header `Authorization: Bearer …`, or of a subprotocol `bearer.…`,
 * which is how a browser sends one on a WebSocket. Undefined where there is none.
 */
export function bearerToken({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const ofHeader = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (ofHeader !== undefined) return ofHeader;
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const token = offered.find((name) => name.startsWith(SUBPROTOCOL))?.slice(SUBPROTOCOL.length);
  return token === '' ? undefined : token;
}
