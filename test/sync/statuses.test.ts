import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { ClientEvent, RetryOptions } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import {
  listenAnswer,
  type Reply,
  refusedUrl,
  send,
  startAnswering,
  startHttpServer,
  startTcpServer,
} from '../support/fault-server.js';

const AUDIO = new Uint8Array([1, 2, 3]);
const GOOD: Reply = { status: 200, body: listenAnswer() };

/** Status, class, code, retried by default, ambiguous. */
const STATUSES: [number, string, string, boolean, boolean][] = [
  [400, 'BadRequestError', 'bad_request', false, false],
  [401, 'AuthError', 'invalid_credentials', false, false],
  [402, 'AuthError', 'payment_required', false, false],
  [403, 'AuthError', 'forbidden', false, false],
  [404, 'BadRequestError', 'not_found', false, false],
  [408, 'TimeoutError', 'timeout', true, false],
  [413, 'BadRequestError', 'payload_too_large', false, false],
  [418, 'BadRequestError', 'bad_request', false, false],
  [422, 'UnsupportedSourceError', 'unprocessable_audio', false, false],
  [429, 'RateLimitError', 'rate_limited', true, false],
  [500, 'ProviderError', 'provider_error', true, false],
  [502, 'ProviderError', 'provider_unavailable', true, false],
  [503, 'ProviderError', 'provider_unavailable', true, false],
  [504, 'ProviderError', 'timeout', false, true],
];

const BODIES: [string, Reply, string | RegExp][] = [
  [
    'err_code',
    { status: 0, body: { err_code: 'SOME_CODE', err_msg: 'what it says', request_id: 'body-id' } },
    /SOME_CODE: what it says/,
  ],
  [
    'category',
    {
      status: 0,
      body: { category: 'SOME_CODE', message: 'what', details: 'it says', request_id: 'body-id' },
    },
    /SOME_CODE: what it says/,
  ],
  [
    'plain text',
    { status: 0, headers: { 'dg-request-id': 'body-id' }, body: 'what it\n says' },
    /\(what it says\)/,
  ],
  [
    'a page',
    { status: 0, headers: { 'dg-request-id': 'body-id' }, body: '<html>what</html>' },
    /^((?!what).)*$/,
  ],
  ['no text', { status: 0, headers: { 'dg-request-id': 'body-id' } }, /answered \d+\. /],
];

describe('every status', () => {
  it.each(STATUSES)('%i is a %s with code %s, retried: %s, ambiguous: %s', async (...row) => {
    const [status, name, code, isRetried, ambiguous] = row;
    for (const [, reply, message] of BODIES) {
      await using server = await startAnswering({ ...reply, status });
      await using client = clientOf(server.url);
      const error = await failureOf(client.transcribe(AUDIO));
      expect(error).toMatchObject({ name, code, status, ambiguous, region: 'here', requestId: 'body-id' });
      expect(error.attempt).toBe(isRetried ? 3 : 1);
      expect(server.requests).toHaveLength(isRetried ? 3 : 1);
      expect(error.message).toMatch(message);
      expect(error.message).toMatch(/\. [A-Z]/);
    }
  });

  it('retries an ambiguous end only where that is asked for', async () => {
    await using server = await startAnswering({ status: 504 }, GOOD);
    await using client = clientOf(server.url);
    const retry: RetryOptions = { ambiguous: true };
    expect((await client.transcribe(AUDIO, { retry })).text).toBe('hello world');
    expect(server.requests).toHaveLength(2);
  });

  it('tells that Deepgram could not fetch a URL', async () => {
    await using server = await startAnswering({
      status: 400,
      body: { err_code: 'REMOTE_CONTENT_ERROR', err_msg: 'no' },
    });
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe('https://example.test/a.wav'));
    expect(error).toMatchObject({ name: 'BadRequestError', code: 'remote_content' });
    expect(error.message).toMatch(/public/);
  });

  it('keeps the status where the rest of the error never comes', async () => {
    await using server = await startHttpServer((request, response, count) => {
      request.resume().on('end', () => {
        if (count === 2) return send(response, GOOD);
        response.writeHead(503, { 'content-length': 100 });
        response.write('short', () => response.destroy());
      });
    });
    await using client = clientOf(server.url);
    expect((await client.transcribe(AUDIO)).text).toBe('hello world');
  });

  it('takes an answer that comes before the end of the upload', async () => {
    await using server = await startHttpServer((request, response) => {
      request.once('data', () =>
        send(response, { status: 413, headers: { connection: 'close' }, body: 'too big' }),
      );
    });
    await using client = clientOf(server.url);
    async function* endless() {
      for (;;) {
        yield new Uint8Array(65_536);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    expect(await failureOf(client.transcribe(endless()))).toMatchObject({ status: 413, ambiguous: false });
  });
});

describe('what cannot have been processed is retried', () => {
  it('a refused port', async () => {
    const url = await refusedUrl();
    await using client = clientOf(url);
    const events: ClientEvent[] = [];
    client.on('attempt', (event) => events.push(event));
    const error = await failureOf(client.transcribe(AUDIO));
    expect(error).toMatchObject({
      name: 'NetworkError',
      code: 'network',
      retryable: true,
      ambiguous: false,
      attempt: 3,
    });
    expect(error.message).toMatch(/ECONNREFUSED/);
    expect(events).toHaveLength(3);
  });

  it('a name that does not exist', async () => {
    await using client = clientOf('http://no-such-host.invalid');
    const error = await failureOf(client.transcribe(AUDIO));
    expect(error).toMatchObject({ code: 'network', ambiguous: false, attempt: 3 });
  });

  it('a connection that ends before TLS is agreed on', async () => {
    await using server = await startTcpServer((socket) => socket.once('data', () => socket.destroy()));
    await using client = clientOf(server.url.replace('http:', 'https:'));
    expect(await failureOf(client.transcribe(AUDIO))).toMatchObject({
      code: 'network',
      ambiguous: false,
      attempt: 3,
    });
  });

  it('a server that speaks no TLS', async () => {
    await using server = await startTcpServer((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad\r\n\r\n')),
    );
    await using client = clientOf(server.url.replace('http:', 'https:'));
    expect(await failureOf(client.transcribe(AUDIO))).toMatchObject({ code: 'network', ambiguous: false });
  });

  it('a TLS server that refuses to shake hands', async () => {
    // Without a certificate every handshake fails.
    const server = createTlsServer({}).on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await using client = clientOf(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const error = await failureOf(client.transcribe(AUDIO));
    server.close();
    expect(error).toMatchObject({ code: 'network', ambiguous: false });
  });
});

describe('what may have been processed is not', () => {
  it.each([
    [
      'a reset in the upload',
      (socket: import('node:net').Socket) => socket.once('data', () => socket.resetAndDestroy()),
    ],
    [
      'an end without an answer',
      (socket: import('node:net').Socket) => socket.once('data', () => socket.end()),
    ],
  ])('%s', async (_name, onSocket) => {
    let connections = 0;
    await using server = await startTcpServer((socket) => {
      connections += 1;
      onSocket(socket);
    });
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(AUDIO));
    expect(error).toMatchObject({ name: 'NetworkError', ambiguous: true, attempt: 1 });
    expect(error.message).toMatch(/may have done the work/);
    expect(connections).toBe(1);
    await failureOf(client.transcribe(AUDIO, { retry: { ambiguous: true } }));
    expect(connections).toBe(4);
  });

  it('a time-out of an attempt that was on its way', async () => {
    await using server = await startHttpServer(() => undefined);
    await using client = clientOf(server.url, { attemptTimeoutMs: 150 });
    const error = await failureOf(client.transcribe(AUDIO));
    expect(error).toMatchObject({ name: 'TimeoutError', code: 'timeout', ambiguous: true, attempt: 1 });
    expect(error.message).toMatch(/150 ms.*attemptTimeoutMs/);
    expect(server.requests).toHaveLength(1);
  });
});

describe('a source that can be read only once', () => {
  async function* once() {
    yield AUDIO;
  }

  it('is not retried, and the error says why and what to do', async () => {
    await using server = await startAnswering({ status: 503, body: 'busy' });
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(once()));
    expect(error).toMatchObject({ code: 'provider_unavailable', status: 503, attempt: 1 });
    expect(error.message).toMatch(/busy.*read only once.*fromStream/);
    expect(server.requests).toHaveLength(1);
  });

  it('hears nothing of that where it would not have been retried anyway', async () => {
    await using server = await startAnswering({ status: 401 }, { status: 503 });
    await using client = clientOf(server.url);
    expect((await failureOf(client.transcribe(once()))).message).not.toMatch(/read only once/);
    const single = await failureOf(client.transcribe(once(), { retry: { attempts: 1 } }));
    expect(single.message).not.toMatch(/read only once/);
  });
});
