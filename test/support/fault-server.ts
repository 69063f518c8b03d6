import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { promisify } from 'node:util';

/** A server of one test, with the requests that it got so far. */
export interface FaultServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: { readonly url: string; readonly headers: IncomingMessage['headers'] }[];
  /** Connections that are open. */
  connections(): Promise<number>;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** Answers each request by hand; `count` begins at 1. */
export async function startHttpServer(answer: Answer): Promise<FaultServer> {
  const requests: FaultServer['requests'] = [];
  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', headers: request.headers });
    request.on('error', () => undefined);
    answer(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => countConnections(server),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Reads the whole body, then answers with what `answers` holds next; the last one stays. */
export function startAnswering(...answers: readonly Reply[]): Promise<FaultServer> {
  return startHttpServer((request, response, count) => {
    const reply = answers[Math.min(count, answers.length) - 1] ?? { status: 500 };
    request.resume().on('end', () => send(response, reply));
  });
}

export interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  /** An object is sent as JSON. */
  readonly body?: string | Uint8Array | object;
}

export function send(response: ServerResponse, { status, headers = {}, body = '' }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body));
}

/** A server below HTTP. */
export async function startTcpServer(onSocket: (socket: Socket) => void): Promise<FaultServer> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    connections: () => countConnections(server),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function countConnections(server: TcpServer): Promise<number> {
  return promisify(server.getConnections.bind(server))();
}

/** A port of this machine on which nothing listens. */
export async function refusedUrl(): Promise<string> {
  const server = await startTcpServer(() => undefined);
  await server[Symbol.asyncDispose]();
  return server.url;
}

/** The smallest answer of Deepgram's that is a transcript. */
export function listenAnswer(text = 'hello world', requestId = 'req-1'): object {
  const words = text
    .split(' ')
    .filter(Boolean)
    .map((word, index) => ({ word, start: index, end: index + 0.5, confidence: 0.9 }));
  return {
    metadata: { request_id: requestId, duration: Math.max(1, words.length), channels: 1, models: [] },
    results: { channels: [{ alternatives: [{ transcript: text, confidence: 0.9, words }] }] },
  };
}
