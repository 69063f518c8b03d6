import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type FaultServer, startHttpServer } from './fault-server.js';

/** What a route handler of Next.js, Hono and others looks like. */
export type RouteHandler = (request: Request) => Promise<Response>;

/** Serves a route handler as those frameworks do on Node: the body of its Request streams in. */
export function startFetchHost(handler: RouteHandler): Promise<FaultServer> {
  return startHttpServer((incoming, response) => {
    handler(requestOf(incoming)).then(
      async (answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(await answer.text());
      },
      (error: Error) => response.writeHead(500).end(error.stack),
    );
  });
}

function requestOf(incoming: IncomingMessage): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value));
  return new Request(`http://${incoming.headers.host}${incoming.url}`, {
    method: incoming.method ?? 'POST',
    headers,
    body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>,
    ...{ duplex: 'half' },
  });
}
