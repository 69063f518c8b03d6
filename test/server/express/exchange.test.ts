import { once } from 'node:events';
import { createServer, request as requestOf, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { urlOf } from '../../../src/server/node/address.js';
import { exchange } from '../../../src/server/node/exchange.js';

const MEBIBYTE = 1024 * 1024;

let server: Server | undefined;
let socketBytes = 0;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

/** A server that answers with a handler of the Fetch API. Resolves to its port. */
async function serve(handle: (request: Request) => Response | Promise<Response>): Promise<number> {
  socketBytes = 0;
  server = createServer((incoming, outgoing) => {
    incoming.socket.on('close', () => {
      socketBytes += incoming.socket.bytesRead;
    });
    const url = urlOf('http', incoming.headers.host, incoming.url ?? '/');
    void exchange({ incoming, outgoing, url, parsedBody: undefined }, async (request) => handle(request));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface RawConnection {
  readonly socket: Socket;
  received(): string;
  readonly closed: Promise<unknown>;
}

function open(port: number, text: string): RawConnection {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    received += part;
  });
  socket.on('error', () => undefined);
  socket.write(text);
  return {
    socket,
    received: () => received,
    closed: new Promise((resolve) => socket.once('close', resolve)),
  };
}

function post(path: string, headers: readonly string[] = []): string {
  return [`POST ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');
}

/** Resolves when it has not changed for a while. */
async function standsStill(count: () => number): Promise<void> {
  for (let before = -1; before !== count(); ) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

describe('a request', () => {
  it('is read chunk by chunk, as it comes', async () => {
    const chunks: string[] = [];
    const port = await serve(async (request) => {
      for await (const chunk of request.body as ReadableStream<Uint8Array>) {
        chunks.push(Buffer.from(chunk).toString());
      }
      return new Response(`${request.method} ${request.url} ${request.headers.get('content-type')}`);
    });
    const upload = requestOf({
      port,
      path: '/a?b=c',
      method: 'POST',
      headers: { 'content-type': 'audio/wav' },
    });
    upload.write('first');
    await vi.waitFor(() => expect(chunks).toEqual(['first']));
    upload.end('second');
    const [answer] = await once(upload, 'response');
    expect((await answer.toArray()).join('')).toBe(`POST http://localhost:${port}/a?b=c audio/wav`);
    expect(chunks).toEqual(['first', 'second']);
  });

  it('is read no faster than it is wanted', async () => {
    let asked: Request | undefined;
    const port = await serve((request) => {
      asked = request;
      return new Promise(() => undefined);
    });
    const { socket } = open(port, post('/', [`Content-Length: ${64 * MEBIBYTE}`]));
    const chunk = Buffer.alloc(MEBIBYTE);
    let accepted = 0;
    const send = (): void => {
      while (accepted < 64 && socket.write(chunk)) accepted += 1;
    };
    socket.on('drain', send);
    send();
    await vi.waitFor(() => expect(asked).toBeDefined());
    const reader = asked?.body?.getReader();
    await reader?.read();
    await standsStill(() => accepted);
    // What the buffers of two sockets hold.
    expect(accepted).toBeLessThan(32);
    socket.destroy();
  });

  it('ends with an error, and its signal is aborted, where its connection breaks', async () => {
    let isAsked = false;
    let seen: { code?: unknown; aborted?: boolean } | undefined;
    const port = await serve(async (request) => {
      isAsked = true;
      const error = await request.arrayBuffer().catch((thrown: unknown) => thrown);
      await vi.waitFor(() => expect(request.signal.aborted).toBe(true));
      seen = { code: (error as { code?: unknown }).code, aborted: request.signal.aborted };
      return new Response('nobody reads this');
    });
    const { socket } = open(port, `${post('/', ['Content-Length: 100'])}the beginning`);
    await vi.waitFor(() => expect(isAsked).toBe(true));
    socket.destroy();
    await vi.waitFor(() => expect(seen).toEqual({ code: 'aborted', aborted: true }));
  });

  it('goes to nobody else than its host says', async () => {
    const port = await serve((request) => new Response(request.url));
    for (const [target, expected] of [
      ['//evil.example/path', 'http://localhost//evil.example/path'],
      ['http://evil.example/path?q=1', 'http://localhost/path?q=1'],
    ]) {
      const { received, closed } = open(
        port,
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      await closed;
      expect(received()).toMatch(new RegExp(`\r\n\r\n${expected?.replaceAll(/[?.]/g, '\\$&')}$`));
    }
  });

  it.each(['/a/../b', '/./a', '/a/%2E%2e/b', '/a/.%2e', '/a\\..\\b', 'http://localhost/a/../b'])(
    'to %s is refused: a guard on the path would have looked at another one',
    async (target) => {
      const port = await serve((request) => new Response(request.url));
      const { received, closed } = open(
        port,
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      await closed;
      expect(received()).toMatch(/^HTTP\/1\.1 400 /);
      expect(received()).toMatch(/x-request-id: req_/);
    },
  );

  it('whose connection was closed before it came here is over', async () => {
    const aborted: boolean[] = [];
    server = createServer((incoming, outgoing) => {
      outgoing.once('close', () => {
        const url = urlOf('http', 'localhost', '/');
        void exchange({ incoming, outgoing, url, parsedBody: undefined }, async ({ signal }) => {
          aborted.push(signal.aborted);
          return new Response();
        });
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { socket } = open(
      (server.address() as AddressInfo).port,
      'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    );
    await once(server, 'request');
    socket.destroy();
    await vi.waitFor(() => expect(aborted).toEqual([true]));
  });

  it.each(['a b', 'user:password@host', 'host/path', '[::1', 'host:port'])(
    'is refused with the host %s',
    async (host) => {
      const port = await serve((request) => new Response(request.url));
      const { received, closed } = open(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      await closed;
      expect(received()).toMatch(/^HTTP\/1\.1 400 /);
      expect(received()).toContain('application/problem+json');
    },
  );

  it('is refused with a method that no Request can have', async () => {
    const port = await serve(() => new Response('no'));
    const { received, closed } = open(
      port,
      'TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 501 /);
  });
});

describe('an answer', () => {
  it('has its length where it is one chunk, and none for HEAD', async () => {
    const port = await serve(
      ({ method }) => new Response(method === 'HEAD' ? null : 'äöü', { headers: { etag: '"1"' } }),
    );
    const get = await fetch(`http://127.0.0.1:${port}/`);
    expect([get.headers.get('content-length'), get.headers.get('etag'), await get.text()]).toEqual([
      '6',
      '"1"',
      'äöü',
    ]);
    const head = await fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([
      200,
      null,
      '"1"',
    ]);
  });

  it('is made no faster than it is taken', async () => {
    let made = 0;
    const chunk = new Uint8Array(MEBIBYTE);
    const port = await serve(() => {
      const pull = (controller: ReadableStreamDefaultController): void => {
        made += 1;
        if (made === 256) controller.close();
        else controller.enqueue(chunk);
      };
      return new Response(new ReadableStream({ pull }));
    });
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    const reader = answer.body?.getReader();
    await reader?.read();
    await standsStill(() => made);
    expect(made).toBeLessThan(64);
    let bytes = 0;
    for (let next = await reader?.read(); next?.done === false; next = await reader?.read())
      bytes += next.value.length;
    expect(made).toBe(256);
    expect(bytes).toBeGreaterThan(190 * MEBIBYTE);
  });

  it('sends events at once, and stops making them where nobody listens', async () => {
    let cancelled = false;
    let controller: ReadableStreamDefaultController | undefined;
    const port = await serve(() => {
      const body = new ReadableStream({
        start: (given) => {
          controller = given;
        },
        cancel: () => {
          cancelled = true;
        },
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    });
    const aborter = new AbortController();
    // The head comes before the first event.
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: aborter.signal });
    const reader = answer.body?.getReader();
    controller?.enqueue(Buffer.from('data: 1\n\n'));
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: 1\n\n');
    aborter.abort();
    await vi.waitFor(() => expect(cancelled).toBe(true));
  });

  it('breaks the connection where it cannot be made to its end', async () => {
    const port = await serve(() => {
      let made = 0;
      const pull = (controller: ReadableStreamDefaultController): void => {
        made += 1;
        if (made < 4) controller.enqueue(Buffer.from('part '));
        else controller.error(new Error('broken'));
      };
      return new Response(new ReadableStream({ pull }));
    });
    await expect(fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text())).rejects.toThrow();
  });
});

describe('an upload that is refused early', () => {
  const LARGE = 1000 * MEBIBYTE;

  it('gets its answer although it stands still, and its connection ends', async () => {
    const port = await serve(() => new Response('who are you?', { status: 401 }));
    const { received, closed } = open(port, `${post('/', [`Content-Length: ${LARGE}`])}begin`);
    await vi.waitFor(() => expect(received()).toContain('who are you?'));
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 401 /);
    expect(received().toLowerCase()).toContain('connection: close');
  });

  it('is not read without end', async () => {
    const port = await serve(() => new Response('who are you?', { status: 401 }));
    const { socket, received, closed } = open(port, post('/', [`Content-Length: ${LARGE}`]));
    const chunk = Buffer.alloc(MEBIBYTE);
    const send = (): void => {
      while (socket.writable && socket.bytesWritten < LARGE && socket.write(chunk));
    };
    socket.on('drain', send);
    send();
    await closed;
    expect(received()).toContain('who are you?');
    await vi.waitFor(() => expect(socketBytes).toBeGreaterThan(MEBIBYTE));
    expect(socketBytes).toBeLessThan(40 * MEBIBYTE);
  });

  it('is refused the same in the middle of its body', async () => {
    const port = await serve(async (request) => {
      const reader = request.body?.getReader();
      await reader?.read();
      await reader?.cancel();
      return new Response('too large', { status: 413 });
    });
    const { received, closed } = open(port, `${post('/', ['Transfer-Encoding: chunked'])}5\r\nbegin\r\n`);
    await vi.waitFor(() => expect(received()).toContain('too large'));
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('is read to its end also where whoever read it has only let go of it', async () => {
    let rest: unknown;
    const port = await serve(async (request) => {
      const reader = request.body?.getReader();
      await reader?.read();
      reader?.releaseLock();
      // Somebody who was not told goes on reading: what came so far is not all of it.
      setTimeout(() => {
        rest = request.body
          ?.getReader()
          .read()
          .then(
            () => 'read on',
            () => 'broke off',
          );
      });
      return new Response('too large', { status: 413 });
    });
    const bytes = 8 * MEBIBYTE;
    const { socket, received, closed } = open(port, post('/', [`Content-Length: ${bytes}`]));
    socket.write(Buffer.alloc(bytes));
    await closed;
    expect(received()).toContain('too large');
    // Otherwise the connection would be reset, and who sends would not see the answer.
    await vi.waitFor(() => expect(socketBytes).toBeGreaterThan(bytes));
    expect(await rest).toBe('broke off');
  });

  it('leaves the connection to the next request where it is small', async () => {
    const port = await serve(() => new Response('who are you?', { status: 401 }));
    const { socket, received } = open(port, `${post('/', ['Content-Length: 10'])}01234`);
    await vi.waitFor(() => expect(received()).toContain('who are you?'));
    socket.write(`56789${post('/', ['Content-Length: 0'])}`);
    await vi.waitFor(() => expect(received().match(/HTTP\/1\.1 401 /g)).toHaveLength(2));
    socket.destroy();
  });
});
