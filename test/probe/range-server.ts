import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface RangeServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** What was asked for, in order: the range, or the path where there was none. */
  readonly asked: readonly string[];
  readonly connections: number;
  /** Bytes that were written into the bodies of answers. */
  readonly bytesSent: number;
}

/** Answers one request, and tells how many bytes of a body it sent. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => number;

/** A server of one file that answers ranges as it should, or as `answer` wants. */
export async function startRangeServer(
  content: Uint8Array,
  { answer = rangeOf(content), host = '127.0.0.1' }: { answer?: Answer; host?: string } = {},
): Promise<RangeServer> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let [connections, bytesSent] = [0, 0];
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    asked.push(request.headers.range ?? `whole ${request.url}`);
    bytesSent += answer(request, response);
  });
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket.on('error', () => undefined));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${host}:${port}/speech`,
    asked,
    get connections() {
      return connections;
    },
    get bytesSent() {
      return bytesSent;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function rangeOf(content: Uint8Array): Answer {
  return ({ headers }, response) => {
    const [, from = '0', to = '0'] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    const last = Math.min(Number(to), content.length - 1);
    const body = content.subarray(Number(from), last + 1);
    response.writeHead(206, {
      'content-range': `bytes ${from}-${last}/${content.length}`,
      'content-length': body.length,
    });
    response.end(body);
    return body.length;
  };
}
