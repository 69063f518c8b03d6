// The modules whole: tools that intercept requests in tests replace members of them.
import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';

/** Below the 60 s after which load balancers, Deepgram's among them, close an idle connection. */
const IDLE_CONNECTION_MS = 55_000;
/** A server that says when it closes an idle connection is given up so much earlier. */
const MARGIN_MS = 1000;

/** Keeps connections for the next call, and closes those that are idle before the server does. */
export class KeepAliveAgent extends http.Agent {
  constructor() {
    super({ keepAlive: true, timeout: IDLE_CONNECTION_MS });
  }

  /** Node calls it with each connection that has become idle; false closes it. */
  override keepSocketAlive(socket: Socket): boolean {
    return keepWhileSafe(socket, keepOf(http.Agent).call(this, socket));
  }
}

export class KeepAliveTlsAgent extends https.Agent {
  constructor() {
    super({ keepAlive: true, timeout: IDLE_CONNECTION_MS });
  }

  override keepSocketAlive(socket: Socket): boolean {
    return keepWhileSafe(socket, keepOf(https.Agent).call(this, socket));
  }
}

/** Node types it as if it returned nothing. */
interface KeepsSockets {
  keepSocketAlive(socket: Socket): boolean | undefined;
}

function keepOf(agent: typeof http.Agent): KeepsSockets['keepSocketAlive'] {
  return (agent.prototype as unknown as KeepsSockets).keepSocketAlive;
}

interface HeldSocket extends Socket {
  readonly _httpMessage?: { readonly res?: { readonly headers?: IncomingHttpHeaders } };
}

/**
 * Some versions of Node go by the `Keep-Alive: timeout` of the answer exactly, so a call that comes at the last
 * moment would be written to a connection that the server is just closing, and nobody could say whether it was
 * processed.
 */
function keepWhileSafe(socket: HeldSocket, isKept: boolean | undefined): boolean {
  if (isKept === false) return false;
  const hint = /(?:^|[\s,;])timeout=(\d+)/i.exec(
    String(socket._httpMessage?.res?.headers?.['keep-alive'] ?? ''),
  )?.[1];
  if (hint === undefined) return true;
  const safeMs = Number(hint) * 1000 - MARGIN_MS;
  if (safeMs <= 0) return false;
  if (safeMs < (socket.timeout ?? 0)) socket.setTimeout(safeMs);
  return true;
}
