import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { type FaultServer, startHttpServer } from '../../support/fault-server.js';

/** Serves handlers on a real server: bodies stream in and out, and a connection that ends aborts its request. */
export function startHost(fetch: (request: Request) => Promise<Response>): Promise<FaultServer> {
  return startHttpServer((incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once('close', () => gone.abort());
    fetch(requestOf(incoming, gone.signal)).then(
      async (response) => {
        outgoing.writeHead(response.status, Object.fromEntries(response.headers));
        if (response.body === null) outgoing.end();
        // What a reader that has gone does not take is no failure.
        else
          await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing).catch(
            () => undefined,
          );
      },
      (error: Error) => outgoing.writeHead(500).end(error.stack),
    );
  });
}

function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET', url, headers } = incoming;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return new Request(`http://${headers.host}${url}`, {
    method,
    headers: Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]),
    signal,
    ...(hasBody && { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>, duplex: 'half' }),
  });
}
