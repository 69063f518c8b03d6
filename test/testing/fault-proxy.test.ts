import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type FaultProxy, startDeepgramEmulator, startFaultProxy } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const SEED = Math.floor(Math.random() * 2 ** 32);
console.log(`fault proxy seed: ${SEED}`);

let server: Server;
let serverSockets: Socket[];
let serverEvents: string[];
let proxy: FaultProxy;
const clients: Socket[] = [];

/** Echoes what it gets, and ends when its client does. */
beforeEach(async () => {
  serverSockets = [];
  serverEvents = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    serverSockets.push(socket);
    socket.on('error', () => serverEvents.push('error'));
    socket.on('end', () => serverEvents.push('end') && socket.end());
    socket.pipe(socket, { end: false });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startFaultProxy({ target: { port: (server.address() as AddressInfo).port }, seed: SEED });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  for (const socket of serverSockets) socket.destroy();
  server.close();
});

interface Client {
  readonly socket: Socket;
  readonly chunks: Buffer[];
  readonly text: () => string;
  readonly events: string[];
}

async function open(): Promise<Client> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  clients.push(socket);
  const chunks: Buffer[] = [];
  const events: string[] = [];
  socket.on('data', (bytes: Buffer) => chunks.push(bytes));
  socket.on('end', () => events.push('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => events.push(error.code ?? 'error'));
  // A refused connection may be reset before it is seen to be open.
  await once(socket, 'connect').catch(() => {});
  return { socket, chunks, events, text: () => Buffer.concat(chunks).toString() };
}

/** Milliseconds until the client has so many bytes in all. */
async function timeTo(bytes: number, client: Client): Promise<number> {
  const start = performance.now();
  while (Buffer.concat(client.chunks).length < bytes) await once(client.socket, 'data');
  return performance.now() - start;
}

async function ask(client: Client, text: string): Promise<number> {
  const all = Buffer.concat(client.chunks).length + text.length;
  client.socket.write(text);
  return await timeTo(all, client);
}

describe('the fault proxy', () => {
  it('passes everything on without faults, and counts it', async () => {
    const client = await open();
    const bytes = Buffer.alloc(3_000_000, 'abcdefg');
    client.socket.write(bytes);
    await timeTo(bytes.length, client);
    expect(Buffer.concat(client.chunks).equals(bytes)).toBe(true);
    expect(proxy.connections).toEqual({
      live: 1,
      accepted: 1,
      refused: 0,
      up: { received: 3_000_000, sent: 3_000_000 },
      down: { received: 3_000_000, sent: 3_000_000 },
    });
    client.socket.end();
    await once(client.socket, 'close');
    expect(client.events).toEqual(['end']);
    await vi.waitFor(() => expect(proxy.connections.live).toBe(0));
  });

  it('delays each way, with jitter, in order', async () => {
    const client = await open();
    proxy.set({ up: { latencyMs: 60 }, down: { latencyMs: 80, jitterMs: 40 } });
    const tookMs = await ask(client, 'hello');
    expect(tookMs).toBeGreaterThanOrEqual(139);
    expect(tookMs).toBeLessThan(600);
    for (let i = 0; i < 20; i++) client.socket.write(`${i},`);
    await timeTo(55, client);
    expect(client.text()).toBe(`hello${[...Array(20).keys()].join(',')},`);
  });

  it('delays later connections only, when told so', async () => {
    const first = await open();
    await ask(first, 'a');
    proxy.set({ down: { latencyMs: 400 } }, { connections: 'later' });
    expect(await ask(first, 'b')).toBeLessThan(300);
    expect(await ask(await open(), 'c')).toBeGreaterThanOrEqual(399);
  });

  it('limits the bandwidth', async () => {
    const client = await open();
    proxy.set({ up: { bytesPerSecond: 100_000 } });
    const tookMs = await ask(client, 'x'.repeat(50_000));
    expect(tookMs).toBeGreaterThan(400);
    expect(tookMs).toBeLessThan(1500);
  });

  it('slices', async () => {
    const client = await open();
    proxy.set({ down: { sliceBytes: 3, sliceGapMs: 15 } });
    await ask(client, 'abcdefgh');
    expect(client.chunks.map(String)).toEqual(['abc', 'def', 'gh']);
  });

  it.each(['up', 'down'] as const)('swallows what goes %s while the connection stays', async (direction) => {
    const client = await open();
    await ask(client, 'before,');
    proxy.set({ [direction]: { blackhole: true } });
    client.socket.write('lost,');
    await vi.waitFor(() => expect(proxy.connections[direction].received).toBe(12));
    expect(proxy.connections[direction].sent).toBe(7);
    proxy.heal();
    await ask(client, 'after');
    expect(client.text()).toBe('before,after');
    expect(client.events).toEqual([]);
  });

  it('holds back an end while bytes are swallowed, until healing', async () => {
    const client = await open();
    await ask(client, 'a');
    proxy.set({ up: { blackhole: true }, down: { blackhole: true } });
    client.socket.end('b');
    await vi.waitFor(() => expect(proxy.connections.up.received).toBe(2));
    expect(serverEvents).toEqual([]);
    proxy.heal();
    await once(client.socket, 'close');
    expect(serverEvents).toEqual(['end']);
    expect(client.text()).toBe('a');
  });

  it('refuses new connections and keeps those that are open', async () => {
    const first = await open();
    await ask(first, 'a');
    proxy.set({ refuse: true });
    const second = await open();
    await vi.waitFor(() => expect(second.events).toEqual(['ECONNRESET']));
    await ask(first, 'b');
    expect(proxy.connections).toMatchObject({ live: 1, accepted: 1, refused: 1 });
    proxy.heal();
    await ask(await open(), 'c');
  });

  it('resets all connections at both ends', async () => {
    const all = [await open(), await open()];
    for (const client of all) await ask(client, 'a');
    proxy.reset();
    for (const client of all) await vi.waitFor(() => expect(client.events).toEqual(['ECONNRESET']));
    await vi.waitFor(() => expect(serverEvents).toEqual(['error', 'error']));
    await vi.waitFor(() => expect(proxy.connections.live).toBe(0));
  });

  it('resets after exactly so many bytes', async () => {
    const client = await open();
    await ask(client, 'before,');
    proxy.set({ down: { resetAfterBytes: 5 } });
    client.socket.write('0123456789');
    await vi.waitFor(() => expect(client.events).toEqual(['ECONNRESET']));
    expect(proxy.connections.down.sent).toBe(12);
    expect('before,01234'.startsWith(client.text())).toBe(true);
  });

  it('resets after so many bytes also where it is told to half-close meanwhile', async () => {
    const client = await open();
    proxy.set({ down: { resetAfterBytes: 5 } });
    client.socket.write('0123456789');
    await vi.waitFor(() => expect(proxy.connections.down.sent).toBe(5));
    proxy.halfClose('down');
    await vi.waitFor(() => expect(client.events).toEqual(['ECONNRESET']));
  });

  it('half-closes one way while the other goes on', async () => {
    const client = await open();
    await ask(client, 'a');
    proxy.halfClose('down');
    await vi.waitFor(() => expect(client.events).toEqual(['end']));
    client.socket.write('still heard');
    await vi.waitFor(() => expect(proxy.connections.up.sent).toBe(12));
    await vi.waitFor(() => expect(proxy.connections.down.received).toBe(12));
    expect(client.text()).toBe('a');
    expect(serverEvents).toEqual([]);
  });

  it('drops the next replies, whole, over all connections', async () => {
    const [first, second] = [await open(), await open()];
    await ask(first, 'a');
    proxy.set({ dropReplies: 2 });
    for (const [client, total] of [
      [first, 3],
      [second, 5],
    ] as const) {
      client.socket.write('no');
      await vi.waitFor(() => expect(proxy.connections.down.received).toBe(total));
    }
    await ask(first, 'b');
    await ask(second, 'c');
    expect([first.text(), second.text()]).toEqual(['ab', 'c']);
    expect(proxy.connections.up.sent).toBe(7);
  });

  it('sends what latency held as soon as it is healed', async () => {
    const client = await open();
    proxy.set({ up: { latencyMs: 60_000 } });
    client.socket.write('held');
    await vi.waitFor(() => expect(proxy.connections.up.received).toBe(4));
    proxy.heal();
    expect(await timeTo(4, client)).toBeLessThan(2000);
  });

  it.each([{}, { down: { latencyMs: 60_000 } }])(
    'stops reading when the client does, with %j',
    async (faults) => {
      proxy.set(faults);
      const client = await open();
      client.socket.pause();
      await vi.waitFor(() => expect(serverSockets).toHaveLength(1));
      const source = serverSockets[0] as Socket;
      const wanted = 64 * 1024 * 1024;
      source.write(Buffer.alloc(wanted));
      let last = -1;
      await vi.waitFor(
        () => {
          const { received } = proxy.connections.down;
          const stands = received > 0 && received === last;
          last = received;
          expect(stands).toBe(true);
        },
        { interval: 300, timeout: 10_000 },
      );
      const { received, sent } = proxy.connections.down;
      expect(received).toBeLessThan(wanted / 2);
      expect(received - sent).toBeLessThan(400_000);
      client.socket.resume();
      proxy.heal();
      await vi.waitFor(() => expect(proxy.connections.down.sent).toBe(wanted), { timeout: 10_000 });
    },
  );

  it('resets a client whose server cannot be reached', async () => {
    for (const socket of serverSockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    const client = await open();
    await vi.waitFor(() => expect(client.events).toEqual(['ECONNRESET']));
    await vi.waitFor(() => expect(proxy.connections.live).toBe(0));
  });

  it('passes a reset on, also after an end', async () => {
    const client = await open();
    await ask(client, 'a');
    serverSockets[0]?.removeAllListeners('end');
    client.socket.end();
    await vi.waitFor(() => expect(serverSockets[0]?.readableEnded).toBe(true));
    client.socket.resetAndDestroy();
    // Behind an end a reset shows only to who writes.
    await vi.waitFor(() => {
      serverSockets[0]?.write('x');
      expect(serverEvents).toEqual(['error']);
    });
    await vi.waitFor(() => expect(proxy.connections.live).toBe(0));
  });

  it('closes with connections, held bytes and timers, and twice', async () => {
    const client = await open();
    proxy.set({ up: { latencyMs: 60_000 } });
    client.socket.write('held');
    await vi.waitFor(() => expect(proxy.connections.up.received).toBe(4));
    await Promise.all([proxy.close(), proxy.close()]);
    expect(proxy.connections.live).toBe(0);
  });

  it('keeps user, path and scheme of a URL, and serves the emulator', async () => {
    const emulator = await startDeepgramEmulator();
    const target = emulator.url.replace('http://', 'redis://u:p@');
    const named = await startFaultProxy({ target: `${target}/3?a=b` });
    expect(named.url).toBe(`redis://u:p@127.0.0.1:${named.port}/3?a=b`);
    const http = await startFaultProxy({ target: emulator.url });
    const answer = await fetch(`${http.url}/v1/auth/grant`, {
      method: 'POST',
      headers: { authorization: 'Token x' },
    });
    expect(answer.status).toBe(200);
    http.set({ dropReplies: 1 });
    const lost = fetch(`${http.url}/v1/auth/grant`, {
      method: 'POST',
      headers: { authorization: 'Token x' },
      signal: AbortSignal.timeout(300),
    });
    await expect(lost).rejects.toThrow(/timeout/);
    expect(emulator.requests).toHaveLength(2);
    await Promise.all([named.close(), http.close(), emulator.close()]);
  });

  it.each([
    [{}, TypeError],
    [{ target: 'nonsense' }, TypeError],
    [{ target: { port: 0 } }, RangeError],
    [{ target: { port: 1 }, seed: -1 }, RangeError],
    [{ target: { port: 1 }, sead: 1 }, TypeError],
  ])('refuses the options %j', async (options, kind) => {
    await expect(startFaultProxy(options as { target: string })).rejects.toThrow(kind);
  });

  it.each([
    [{ upp: {} }, TypeError],
    [{ up: { latency: 5 } }, TypeError],
    [{ up: { latencyMs: -1 } }, RangeError],
    [{ down: { sliceBytes: 1.5 } }, RangeError],
    [{ refuse: 1 }, TypeError],
  ])('refuses the faults %j', (faults, kind) => {
    expect(() => proxy.set(faults as object)).toThrow(kind);
  });
});
