import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { BridgeEvent, BridgeMessage, BridgeRequest } from '../../src/contracts/index.js';

export interface BridgeVisit {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  readonly requests: BridgeRequest[];
  say(message: BridgeMessage): void;
}

export interface ScriptedBridge {
  readonly url: string;
  /** Every connection, oldest first. */
  readonly visits: readonly BridgeVisit[];
  /** The audio of the session, joined by its positions. */
  audio(): Uint8Array;
  /** Audio that did not join on. */
  readonly holes: readonly { readonly expected: number; readonly got: number }[];
  /** Answers `start` with `ready`, pings with pongs, and confirms audio. */
  behaviour: { ready: boolean; acknowledge: boolean; pong: boolean; refuse?: number };
  /** The next event of the session, to the newest connection. */
  tell(event: BridgeEvent, seq?: number): void;
  /** Breaks every connection without a close frame. */
  drop(): void;
  close(): Promise<void>;
}

/** The bridge's side of the protocol, which a test can let go wrong. */
export async function startScriptedBridge(): Promise<ScriptedBridge> {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'transcription.v1' });
  const visits: BridgeVisit[] = [];
  const parts: Uint8Array[] = [];
  const holes: { expected: number; got: number }[] = [];
  let position = 0;
  let seq = 0;
  const behaviour: ScriptedBridge['behaviour'] = { ready: true, acknowledge: true, pong: true };

  function takeAudio(data: Buffer): void {
    const at = Number(data.readBigUInt64BE(0));
    if (at > position) holes.push({ expected: position, got: at });
    const news = data.subarray(8 + position - at);
    parts.push(Uint8Array.from(news));
    position += news.length;
  }

  function visit(socket: WebSocket, request: IncomingMessage): void {
    const requests: BridgeRequest[] = [];
    const say = (message: BridgeMessage): void => socket.send(JSON.stringify(message));
    visits.push({ socket, request, requests, say });
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) {
        takeAudio(data);
        if (behaviour.acknowledge) say({ type: 'ack', position });
        return;
      }
      const message = JSON.parse(data.toString()) as BridgeRequest;
      if (message.type === 'ping') {
        if (behaviour.pong) say({ type: 'pong', id: message.id });
        return;
      }
      requests.push(message);
      if (message.type === 'start' && behaviour.ready) {
        say({ type: 'ready', version: 1, session: 'session-secret', position });
      }
    });
  }

  server.on('upgrade', (request, socket, head) => {
    if (behaviour.refuse !== undefined) {
      socket.end(`HTTP/1.1 ${behaviour.refuse} Refused\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => visit(webSocket, request));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/stream`,
    visits,
    holes,
    behaviour,
    audio: () => Buffer.concat(parts),
    tell(event, given) {
      seq = given ?? seq + 1;
      visits.at(-1)?.say({ type: 'event', seq, event });
    },
    drop() {
      for (const { socket } of visits) socket.terminate();
    },
    close: () =>
      new Promise((resolve) => {
        for (const { socket } of visits) socket.terminate();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
