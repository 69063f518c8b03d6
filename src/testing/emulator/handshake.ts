import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Answer, failure, Refusal } from './answer.js';
import { type AccessControl, credentialsFromHeader, credentialsFromProtocols } from './auth.js';
import { type FluxParameters, parseFluxParameters } from './flux-parameters.js';
import { requestUrl } from './journal.js';
import {
  type ListenParameters,
  type LiveParameters,
  parseListenParameters,
  parseLiveParameters,
} from './parameters.js';

export type AcceptedHandshake = AcceptedListen | AcceptedFlux;

/** A stream of `/v1/listen`. */
export interface AcceptedListen {
  readonly kind: 'listen';
  readonly parameters: ListenParameters;
  readonly live: LiveParameters;
}

/** A stream of `/v2/listen`. */
export interface AcceptedFlux {
  readonly kind: 'flux';
  readonly parameters: FluxParameters;
}

/** Checks a request for a live stream. @throws Refusal 400, 401 or 404 */
export function checkHandshake(
  request: IncomingMessage,
  access: AccessControl,
  models: readonly string[] | undefined,
): AcceptedHandshake {
  const { pathname, searchParams } = requestUrl(request);
  if (pathname !== '/v1/listen' && pathname !== '/v2/listen')
    throw new Refusal(404, 'NOT_FOUND', `There is no stream at ${pathname}.`);
  access.check(
    credentialsFromHeader(request.headers.authorization) ??
      credentialsFromProtocols(request.headers['sec-websocket-protocol']),
  );
  if (pathname === '/v2/listen')
    return { kind: 'flux', parameters: parseFluxParameters(searchParams, models) };
  return {
    kind: 'listen',
    parameters: parseListenParameters(searchParams, models),
    live: parseLiveParameters(searchParams),
  };
}

/** Answers a handshake with an error instead of a stream, and returns that answer. */
export function refuseHandshake(socket: Duplex, error: unknown, requestId: string): Answer {
  const answer = failure(error, requestId);
  const body = JSON.stringify(answer.body);
  const message = error instanceof Error ? error.message : 'failed';
  const headers = {
    ...answer.headers,
    'dg-error': message.replaceAll(/[^\x20-\x7e]/g, '?'),
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Error'}\r\n${lines.join('')}\r\n${body}`,
  );
  return answer;
}

/** Browsers want one of the protocols that they offered back. */
export function chooseProtocol(offered: ReadonlySet<string>): string | false {
  for (const protocol of offered) {
    if (/^(token|bearer)$/i.test(protocol)) return protocol;
  }
  return false;
}
