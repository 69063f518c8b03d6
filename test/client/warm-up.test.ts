import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, refusedUrl, send, startTcpServer } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

const AUDIO = new Uint8Array([1, 2, 3]);

/** Answers everything, and counts its connections. */
async function startCounting(
  prepare: (server: Server) => void = () => undefined,
  answer: string | Uint8Array = '{}',
) {
  const requests: { method: string; authorization: string | undefined }[] = [];
  const sockets: Socket[] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', authorization: request.headers.authorization });
    request.resume().on('end', () => {
      if (request.method === 'GET') response.writeHead(200).end(answer);
      else send(response, { status: 200, body: listenAnswer() });
    });
  });
  prepare(server);
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    sockets,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('warmUp()', () => {
  it('opens the connection that the first call uses, and sends no credentials', async () => {
    await using server = await startCounting();
    await using client = clientOf(server.url);
    await client.warmUp();
    expect(server.sockets).toHaveLength(1);
    expect(server.requests).toEqual([{ method: 'GET', authorization: undefined }]);
    await client.transcribe(AUDIO);
    await client.transcribe(AUDIO);
    expect(server.sockets).toHaveLength(1);
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'POST', 'POST']);
  });

  it('does not mind what the endpoint answers', async () => {
    await using server = await startCounting(undefined, new Uint8Array([0xff, 0xfe, 0xff]));
    await using client = clientOf(server.url);
    await client.warmUp();
    await client.transcribe(AUDIO);
    expect(server.sockets).toHaveLength(1);
  });

  it('needs no credentials', async () => {
    await using server = await startCounting();
    await using client = clientOf(server.url, { apiKey: () => Promise.reject(new Error('no key')) });
    await client.warmUp();
    expect(server.requests).toHaveLength(1);
  });

  it('warms the region that is named', async () => {
    await using near = await startCounting();
    await using far = await startCounting();
    await using client = clientOf(near.url, {
      regions: [
        { name: 'near', endpoint: near.url },
        { name: 'far', endpoint: far.url },
      ],
    });
    await client.warmUp({ region: 'far' });
    expect([near.sockets.length, far.sockets.length]).toEqual([0, 1]);
    expect((await failureOf(client.warmUp({ region: 'none' }))).code).toBe('invalid_option');
  });

  it('rejects where the region cannot be reached', async () => {
    await using client = clientOf(await refusedUrl());
    expect(await failureOf(client.warmUp())).toMatchObject({
      name: 'NetworkError',
      code: 'network',
      retryable: true,
      ambiguous: false,
      region: 'here',
    });
  });

  it('never says that Deepgram may have done work', async () => {
    await using server = await startTcpServer((socket) => socket.once('data', () => socket.destroy()));
    await using client = clientOf(server.url);
    expect(await failureOf(client.warmUp())).toMatchObject({ code: 'network', ambiguous: false });
  });

  it('ends by its time limit where nobody answers', async () => {
    await using server = await startTcpServer(() => undefined);
    const clock = new ManualClock();
    const client = clientOf(server.url, { clock });
    for (const [options, limitMs] of [
      [{}, 10_000],
      [{ timeoutMs: 300 }, 300],
    ] as const) {
      const failure = failureOf(client.warmUp(options));
      await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
      await clock.advance(limitMs);
      const error = await failure;
      expect(error).toMatchObject({ code: 'timeout', ambiguous: false, region: 'here' });
      expect(error.message).toMatch(new RegExp(`${limitMs} ms.*timeoutMs`));
    }
    expect(clock.pendingTimers).toBe(0);
    expect((await failureOf(client.warmUp({ timeoutMs: 0 }))).code).toBe('invalid_option');
    await client.close();
  });

  it('ends at once when it is aborted', async () => {
    await using server = await startTcpServer(() => undefined);
    await using client = clientOf(server.url);
    const controller = new AbortController();
    const failure = failureOf(client.warmUp({ signal: controller.signal }));
    await vi.waitFor(async () => expect(await server.connections()).toBe(1));
    const abortedAt = performance.now();
    controller.abort();
    expect((await failure).code).toBe('aborted');
    expect(performance.now() - abortedAt).toBeLessThan(100);
  });

  it('of a closed client rejects', async () => {
    await using server = await startCounting();
    const client = clientOf(server.url);
    await client.warmUp();
    await client.close();
    await vi.waitFor(() => expect(server.sockets.every((socket) => socket.destroyed)).toBe(true));
    expect((await failureOf(client.warmUp())).code).toBe('client_closed');
  });
});

describe('idle connections', () => {
  it.each([1, 2])('are given up before a server that closes them after %i s', async (seconds) => {
    await using server = await startCounting((http) => {
      http.keepAliveTimeout = seconds * 1000;
    });
    await using client = clientOf(server.url, { retry: { attempts: 1 } });
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`seed ${seed}`);
    let state = seed;
    const random = (): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state / 2 ** 31;
    };
    let calls = 0;
    const endsAt = performance.now() + 6000;
    const caller = async (): Promise<void> => {
      while (performance.now() < endsAt) {
        // Half of them around the moment at which the server closes.
        const pauseMs = random() < 0.5 ? random() * 2500 : seconds * 1000 - 15 + random() * 30;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        await client.transcribe(AUDIO);
        calls += 1;
      }
    };
    await Promise.all(Array.from({ length: 20 }, caller));
    console.log(`${calls} calls over ${server.sockets.length} connections`);
    expect(calls).toBeGreaterThan(40);
    if (seconds > 1) expect(server.sockets.length).toBeLessThan(calls);
  });

  it('do not keep the process alive', async () => {
    const held = (): number =>
      process.getActiveResourcesInfo().filter((name) => /TCPSocketWrap|Timeout/.test(name)).length;
    const before = held();
    await using server = await startCounting((http) => void http.unref());
    await using client = clientOf(server.url);
    await client.transcribe(AUDIO);
    for (const socket of server.sockets) socket.unref();
    await vi.waitFor(() => expect(held()).toBeLessThanOrEqual(before));
    expect(server.sockets.map(({ destroyed }) => destroyed)).toEqual([false]);
  });

  it('are used again where the server keeps them long enough', async () => {
    await using server = await startCounting((http) => {
      http.keepAliveTimeout = 5000;
    });
    await using client = clientOf(server.url);
    await client.warmUp();
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await client.transcribe(AUDIO);
    expect(server.sockets).toHaveLength(1);
  });

  it('are kept longer than 4 s where the server says nothing of it', async () => {
    const sockets: Socket[] = [];
    const body = JSON.stringify(listenAnswer());
    const answer = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const server = createTcpServer((socket) => {
      sockets.push(socket);
      socket.on('data', () => socket.write(answer)).on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await client.transcribe(AUDIO);
    await new Promise((resolve) => setTimeout(resolve, 4500));
    await client.transcribe(AUDIO);
    expect(sockets).toHaveLength(1);
    await client.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});
