import { randomFillSync } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
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

/** Takes the test server's certificate. */
class TrustingSocket extends WebSocket {
  constructor(url: string, protocols: string[], options: ClientOptions) {
    super(url, protocols, { ...options, rejectUnauthorized: false });
  }
}

function openSocket(WebSocketConstructor: WebSocketClass, url: string) {
  const calls: string[] = [];
  const told = (name: string) => () => calls.push(name);
  const socket = new LiveSocket(
    WebSocketConstructor,
    { url: url.replace('http', 'ws'), headers: {} },
    {
      onUpgrade: () => undefined,
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
  return { socket, calls };
}

describe.each([
  { name: 'TCP', tls: false },
  { name: 'TLS', tls: true },
])('over $name', ({ tls }) => {
  test('audio of every length arrives as it was when it was sent, between messages and no pings', async () => {
    const received: string[] = [];
    let pings = 0;
    server = await startTestServer({
      tls,
      onStream: (stream) => {
        stream.on('ping', () => {
          pings += 1;
        });
        stream.on('message', (data: Buffer, isBinary) => {
          received.push(isBinary ? data.toString('base64') : data.toString());
        });
      },
    });
    const { socket, calls } = openSocket(TrustingSocket as unknown as WebSocketClass, server.url);
    await eventually(() => calls).toEqual(['open']);
    const expected: string[] = [];
    const memory = new Uint8Array(200_000);
    const lengths = [0, 1, 3, 125, 126, 127, 640, 641, 642, 643, 65_535, 65_536, 65_537, 150_000];
    for (const length of [...lengths, ...lengths]) {
      for (const offset of [0, 1, 2, 3]) {
        const audio = memory.subarray(offset, offset + length);
        randomFillSync(audio);
        expected.push(Buffer.from(audio).toString('base64'), `{"length":${length}}`);
        socket.send(audio);
        socket.send(`{"length":${length}}`);
        // The memory belongs to the sender.
        memory.fill(0);
        // Some leave one at a time, others wait behind one another.
        if (offset === 2) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await eventually(() => received.length).toBe(expected.length);
    expect(received).toEqual(expected);
    expect(pings).toBe(0);
    socket.close();
    await eventually(() => calls.at(-1)).toBe('close 1000');
    expect(calls).not.toContain('error');
  });

  test('audio that leaves at once tells of no drain', async () => {
    let received = 0;
    server = await startTestServer({
      tls,
      onStream: (stream) =>
        stream.on('message', (data: Buffer) => {
          received += data.length;
        }),
    });
    const { socket, calls } = openSocket(TrustingSocket as unknown as WebSocketClass, server.url);
    await eventually(() => calls).toEqual(['open']);
    for (let sent = 1; sent <= 20; sent += 1) {
      socket.send(FRAME);
      await eventually(() => received).toBe(sent * FRAME.length);
    }
    expect(socket.bufferedAmount).toBe(0);
    expect(calls).toEqual(['open']);
    socket.close();
    await eventually(() => calls.at(-1)).toBe('close 1000');
  });

  test('one large piece that had to wait tells when it has left', async () => {
    let received = 0;
    server = await startTestServer({
      tls,
      onStream: (stream) => {
        stream.pause();
        stream.on('message', (data: Buffer) => {
          received += data.length;
        });
      },
    });
    const { socket, calls } = openSocket(TrustingSocket as unknown as WebSocketClass, server.url);
    await eventually(() => calls).toEqual(['open']);
    const bytes = 30_000_000;
    socket.send(new Uint8Array(bytes));
    expect(socket.bufferedAmount).toBeGreaterThan(0);
    server.sockets[0]?.resume();
    await eventually(() => received).toBe(bytes);
    await eventually(() => calls).toEqual(['open', 'drain']);
    expect(socket.bufferedAmount).toBe(0);
    socket.close();
    await eventually(() => calls.at(-1)).toBe('close 1000');
  });
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
  const { socket, calls } = openSocket(BrowserLikeSocket as unknown as WebSocketClass, server.url);
  await eventually(() => calls).toEqual(['open']);
  expect(socket.ping()).toBe(false);
  socket.send(FRAME);
  await eventually(() => calls).toEqual(['open', 'message {"type":"Results"}']);
  expect(received).toEqual([Buffer.from(FRAME)]);
  socket.close();
  await eventually(() => calls.at(-1)).toBe('close 1000');
});
