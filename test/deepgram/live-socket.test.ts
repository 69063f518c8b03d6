import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { LiveSocket, type WebSocketClass } from '../../src/deepgram/web-socket.js';
import { systemClock } from '../../src/internal/system-clock.js';
import { transportTo } from '../support/live.js';
import { startTestServer, type TestServer } from '../support/web-socket-server.js';
import { closeOf, createLiveLog, eventually } from './live-log.js';

const FRAME = new Uint8Array(640);

let server: TestServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function openTo(url: string) {
  const log = createLiveLog();
  const connection = transportTo(url).connect(log.handlers);
  await eventually(() => log.calls).toEqual(['open request-7']);
  return { connection, log };
}

test('pings are answered, one pong for each', async () => {
  let pings = 0;
  server = await startTestServer({
    onStream: (socket) =>
      socket.on('ping', () => {
        pings += 1;
      }),
  });
  const { connection, log } = await openTo(server.url);
  expect(connection.ping()).toBe(true);
  await eventually(() => log.calls.length).toBe(2);
  expect(connection.ping()).toBe(true);
  await eventually(() => log.calls).toEqual(['open request-7', 'pong', 'pong']);
  expect(pings).toBe(2);
  connection.close();
  expect(connection.ping()).toBe(false);
  await closeOf(log);
  expect(log.calls).toEqual(['open request-7', 'pong', 'pong', 'close 1000']);
  expect(pings).toBe(2);
});

test('drains are told only where bytes had to wait, until the last of them has left', async () => {
  let received = 0;
  server = await startTestServer({
    onStream: (socket) =>
      socket.on('message', (data: Buffer) => {
        received += data.length;
      }),
  });
  const { connection, log } = await openTo(server.url);
  for (let sent = 0; sent < 20; sent += 1) connection.sendAudio(FRAME);
  expect(connection.bufferedAmount).toBe(0);
  await eventually(() => received).toBe(20 * FRAME.length);
  expect(log.drains()).toBe(0);

  server.sockets[0]?.pause();
  let sent = 0;
  // More than the buffers of the machine's sockets hold.
  while (connection.bufferedAmount < 4_000_000) {
    connection.sendAudio(new Uint8Array(100_000));
    sent += 100_000;
  }
  expect(log.drains()).toBe(0);
  server.sockets[0]?.resume();
  await eventually(() => received).toBe(20 * FRAME.length + sent);
  await eventually(() => connection.bufferedAmount).toBe(0);
  expect(log.drains()).toBeGreaterThan(0);

  const drains = log.drains();
  connection.sendAudio(FRAME);
  await eventually(() => received).toBe(21 * FRAME.length + sent);
  expect(log.drains()).toBe(drains);
  connection.close();
  await closeOf(log);
});

test('whoever waits for room at each drain sends everything', async () => {
  let received = 0;
  server = await startTestServer({
    onStream: (socket) => {
      socket.pause();
      socket.on('message', (data: Buffer) => {
        received += data.length;
      });
    },
  });
  const chunk = new Uint8Array(50_000);
  const log = createLiveLog();
  let left = 400;
  let highest = 0;
  const pump = (): void => {
    for (; left > 0 && connection.bufferedAmount < 256 * 1024; left -= 1) connection.sendAudio(chunk);
    highest = Math.max(highest, connection.bufferedAmount);
  };
  const connection = transportTo(server.url).connect({ ...log.handlers, onDrain: pump });
  await eventually(() => log.calls).toEqual(['open request-7']);
  pump();
  expect(left).toBeGreaterThan(0);
  server.sockets[0]?.resume();
  await eventually(() => received).toBe(400 * chunk.length);
  expect(highest).toBeLessThan(256 * 1024 + 2 * chunk.length);
  connection.close();
  await closeOf(log);
});

/** The part of a WebSocket that browsers have. */
class BrowserLikeSocket {
  readonly OPEN = 1;
  readonly CONNECTING = 0;
  readonly CLOSED = 3;
  binaryType = 'blob';
  readonly #socket: WebSocket;

  constructor(url: string, protocols: string[]) {
    this.#socket = new WebSocket(url, protocols);
    this.#socket.binaryType = 'arraybuffer';
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  addEventListener(...listener: Parameters<WebSocket['addEventListener']>): void {
    this.#socket.addEventListener(...listener);
  }

  send(data: Uint8Array): void {
    this.#socket.send(data);
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }
}

test('where a WebSocket has no pings the socket works without', async () => {
  const received: Buffer[] = [];
  server = await startTestServer({
    onStream: (socket) =>
      socket.on('message', (data: Buffer) => {
        received.push(data);
        socket.send('{"type":"Results"}');
      }),
  });
  const calls: string[] = [];
  const told = (name: string) => () => calls.push(name);
  const socket = new LiveSocket(
    BrowserLikeSocket as unknown as WebSocketClass,
    { url: server.url.replace('http', 'ws'), headers: {} },
    {
      onUpgrade: told('upgrade'),
      onRefused: told('refused'),
      onOpen: told('open'),
      onMessage: (data) => calls.push(`message ${data}`),
      onPong: told('pong'),
      onDrain: told('drain'),
      onError: told('error'),
      onClose: ({ code }) => calls.push(`close ${code}`),
    },
    systemClock,
  );
  await eventually(() => calls).toEqual(['open']);
  expect(socket.ping()).toBe(false);
  socket.send(FRAME);
  await eventually(() => calls).toEqual(['open', 'message {"type":"Results"}']);
  expect(received).toEqual([Buffer.from(FRAME)]);
  socket.close();
  await eventually(() => calls.at(-1)).toBe('close 1000');
});
