import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { CERTIFICATE, PRIVATE_KEY } from './certificate.js';

export interface TestServer {
  readonly url: string;
  /** Handshakes asked for, the refused ones included. */
  readonly requests: readonly IncomingMessage[];
  readonly sockets: readonly WebSocket[];
  /** TCP connections that are open now. */
  openConnections(): number;
  close(): Promise<void>;
}

interface Behaviour {
  /** Runs for each accepted stream. */
  onStream?: (socket: WebSocket) => void;
  /** Answers the handshake with this, instead of a stream. */
  refuse?: { status: number; headers?: Record<string, string>; body?: string };
  /** Takes the connection and never answers. */
  silent?: boolean;
  /** With a certificate that nobody vouches for. */
  tls?: boolean;
}

/** A WebSocket server that does as told. */
export async function startTestServer(behaviour: Behaviour = {}): Promise<TestServer> {
  const requests: IncomingMessage[] = [];
  const sockets: WebSocket[] = [];
  const connections = new Set<Socket>();
  const server: Server = behaviour.tls
    ? createTlsServer({ cert: CERTIFICATE, key: PRIVATE_KEY })
    : createServer();
  const webSockets = new WebSocketServer({ noServer: true });
  webSockets.on('headers', (headers) => headers.push('dg-request-id: request-7'));
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => {
    requests.push(request);
    socket.on('error', () => socket.destroy());
    if (behaviour.silent) {
      socket.on('end', () => socket.destroy()).resume();
      return;
    }
    const { refuse } = behaviour;
    if (refuse !== undefined) {
      const headers = { 'content-length': String(refuse.body?.length ?? 0), ...refuse.headers };
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(`HTTP/1.1 ${refuse.status} Refused\r\n${lines.join('')}\r\n${refuse.body ?? ''}`);
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      sockets.push(webSocket);
      webSocket.on('error', () => undefined);
      behaviour.onStream?.(webSocket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${behaviour.tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    sockets,
    openConnections: () => connections.size,
    close: () =>
      new Promise((resolve) => {
        for (const socket of connections) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** A port of this machine that nobody listens on. */
export async function refusedUrl(): Promise<string> {
  const server = await startTestServer();
  await server.close();
  return server.url;
}
