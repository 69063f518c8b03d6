import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { exchange } from '../../../src/server/node/exchange.js';
import { type FaultServer, startHttpServer } from '../../support/fault-server.js';
import { bearer, type HttpRig } from './rig.js';

/** The handlers of a rig behind a server of Node's, with real bytes and real connections. */
export function startRigServer(rig: HttpRig): Promise<FaultServer> {
  return startHttpServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host}`);
    exchange({ incoming, outgoing, url, parsedBody: undefined }, rig.handlers.fetch).catch(() =>
      outgoing.destroy(),
    );
  });
}

export interface Upload {
  readonly request: ClientRequest;
  /** Rejects where the connection ends without an answer. */
  readonly answer: Promise<{ readonly status: number; readonly body: string }>;
}

/** An upload whose bytes the test sends itself. Without a length it is chunked. */
export function openUpload(
  server: FaultServer,
  headers: Readonly<Record<string, string>> = {},
  query = '',
): Upload {
  const request = httpRequest(`${server.url}/transcribe${query}`, {
    method: 'POST',
    headers: { 'content-type': 'audio/wav', ...bearer('ada'), ...headers },
  });
  const answer = new Promise<{ status: number; body: string }>((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response: IncomingMessage) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
  });
  // Who breaks the connection off has no use for it.
  answer.catch(() => undefined);
  return { request, answer };
}
