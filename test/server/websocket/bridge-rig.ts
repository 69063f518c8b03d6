import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import type { BridgeEvent, BridgeMessage } from '../../../src/contracts/index.js';
import {
  type BridgeActivity,
  type BridgeClient,
  createWebSocketBridge,
  type WebSocketBridge,
  type WebSocketBridgeOptions,
} from '../../../src/server/websocket/index.js';
import { FakeClient } from './fake-client.js';

export interface Rig<Client> {
  readonly client: Client;
  readonly bridge: WebSocketBridge;
  readonly server: Server;
  readonly port: number;
  readonly activity: BridgeActivity[];
  browser(options?: BrowserOptions): Promise<Browser>;
  /** The status of an upgrade that is refused, and its headers. */
  refused(options?: BrowserOptions): Promise<IncomingMessage & { status: number }>;
}

export interface BrowserOptions {
  readonly user?: string | undefined;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly protocols?: string[];
  readonly options?: ClientOptions;
}

/** Who comes with `?user=name` is that user, and nobody else passes. */
const authorize: WebSocketBridgeOptions['authorize'] = ({ url = '' }) => {
  const userId = new URL(url, 'http://here').searchParams.get('user');
  return userId === null ? null : { userId };
};

export async function startRig(options?: Partial<WebSocketBridgeOptions>): Promise<Rig<FakeClient>> {
  return startRigOf(new FakeClient(), options);
}

export async function startRigOf<Client extends BridgeClient>(
  client: Client,
  options: Partial<WebSocketBridgeOptions> = {},
  server = createServer((_request, response) => response.end('plain')),
): Promise<Rig<Client>> {
  const activity: BridgeActivity[] = [];
  const bridge = createWebSocketBridge(client, {
    authorize,
    onEvent: (event) => activity.push(event),
    ...options,
  });
  bridge.attach(server);
  const port = await listen(server);
  onTestFinished(() => stop(server));
  const url = ({ user = 'anna', path = '/stream' }: BrowserOptions): string =>
    `ws://127.0.0.1:${port}${path}${user === '' ? '' : `?user=${user}`}`;
  return {
    client,
    bridge,
    server,
    port,
    activity,
    browser: async (settings = {}) => {
      const browser = new Browser(url(settings), settings);
      await browser.opened;
      return browser;
    },
    refused: (settings = {}) =>
      new Promise((resolve, reject) => {
        const { socket } = new Browser(url(settings), settings);
        socket.on('unexpected-response', (_request, response) => {
          response.resume();
          resolve(Object.assign(response, { status: response.statusCode ?? 0 }));
        });
        socket.on('open', () => reject(new Error('The upgrade was not refused.')));
      }),
  };
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
    // Upgraded sockets are no connections of the server any more.
    setImmediate(resolve);
  });
}

/** The other side of the bridge, as the protocol has it. */
export class Browser {
  readonly socket: WebSocket;
  readonly messages: BridgeMessage[] = [];
  readonly texts: string[] = [];
  readonly opened: Promise<void>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  position = 0;

  constructor(url: string, { headers, protocols = ['transcription.v1'], options }: BrowserOptions) {
    this.socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options, headers });
    onTestFinished(() => this.socket.terminate());
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data) => {
      this.texts.push(String(data));
      this.messages.push(JSON.parse(String(data)));
    });
    this.opened = new Promise((resolve) => this.socket.on('open', () => resolve()));
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
    });
  }

  say(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Sends `start` and waits for `ready`. */
  async start(start: Record<string, unknown> = {}): Promise<BridgeMessage & { type: 'ready' }> {
    this.say({ type: 'start', ...start });
    const ready = await this.next('ready');
    this.position = ready.position;
    return ready;
  }

  audio(bytes: Uint8Array, position = this.position): void {
    const frame = Buffer.alloc(8 + bytes.length);
    frame.writeBigUInt64BE(BigInt(position));
    frame.set(bytes, 8);
    this.socket.send(frame);
    this.position = position + bytes.length;
  }

  of<Type extends BridgeMessage['type']>(type: Type): (BridgeMessage & { type: Type })[] {
    return this.messages.filter((message) => message.type === type) as (BridgeMessage & { type: Type })[];
  }

  events(): BridgeEvent[] {
    return this.of('event').map(({ event }) => event);
  }

  finals(): string[] {
    return this.events().flatMap((event) => (event.type === 'final' ? event.text : []));
  }

  /** The first message of the type, or the one with that index. */
  next<Type extends BridgeMessage['type']>(type: Type, index = 0): Promise<BridgeMessage & { type: Type }> {
    return until(() => this.of(type)[index], `a message ${type}`);
  }
}

/** Looks again and again, for 10 s. */
export async function until<Value>(look: () => Value | undefined | false, what: string): Promise<Value> {
  const end = performance.now() + 10_000;
  for (;;) {
    const value = look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`Waited in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export const UPGRADE_HEADERS = [
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: transcription.v1',
];

/** An upgrade on a bare socket, which then says nothing more. Resolves with the status. */
export function rawUpgrade(
  port: number,
  {
    user = 'anna',
    sockets,
    headers = UPGRADE_HEADERS,
  }: { user?: string; sockets?: Set<Socket>; headers?: readonly string[] } = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(port, '127.0.0.1');
    sockets?.add(socket);
    socket.on('close', () => sockets?.delete(socket));
    socket.on('error', reject);
    socket.once('data', (data) => {
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(String(data))?.[1]));
      socket.resume();
    });
    socket.write([`GET /stream?user=${user} HTTP/1.1`, ...headers, '\r\n'].join('\r\n'));
  });
}
