import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCredentialsProvider } from '../../src/deepgram/credentials.js';
import { startTcpServer } from '../support/fault-server.js';
import { RAW_16K, transportTo } from '../support/live.js';
import { refusedUrl, startTestServer, type TestServer } from '../support/web-socket-server.js';
import { closeOf, createLiveLog, eventually } from './live-log.js';

const SECOND = new Uint8Array(32_000);

let server: TestServer | undefined;
let timersBefore = 0;

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

beforeEach(() => {
  timersBefore = timers();
  unhandled.length = 0;
  process.on('unhandledRejection', onUnhandled);
});

afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  expect(timers()).toBeLessThanOrEqual(timersBefore);
  process.off('unhandledRejection', onUnhandled);
  await server?.close();
  server = undefined;
  expect(unhandled).toEqual([]);
});

test('every parameter and the credentials reach the handshake', async () => {
  server = await startTestServer({ onStream: (socket) => socket.close(1000) });
  const log = createLiveLog();
  transportTo(`${server.url}/`, {
    parameters: {
      model: 'nova-3',
      ...RAW_16K,
      interim_results: true,
      keyterm: ['one two', 'three'],
      new_one: 7,
    },
    credentials: async () => ({ kind: 'token', accessToken: 'short-lived' }),
  }).connect(log.handlers);
  await closeOf(log);
  const url = new URL(server.requests[0]?.url ?? '', server.url);
  expect(url.pathname).toBe('/v1/listen');
  expect([...url.searchParams]).toEqual([
    ['model', 'nova-3'],
    ['encoding', 'linear16'],
    ['sample_rate', '16000'],
    ['interim_results', 'true'],
    ['keyterm', 'one two'],
    ['keyterm', 'three'],
    ['new_one', '7'],
  ]);
  const { headers } = server.requests[0] ?? {};
  expect(headers?.authorization).toBe('Bearer short-lived');
  expect(headers?.['x-deepgram-session-id']).toMatch(/^[\da-f-]{36}$/);
});

test('a key goes as a token, and is asked for by each connection', async () => {
  server = await startTestServer({ onStream: (socket) => socket.close(1000) });
  let asked = 0;
  const transport = transportTo(server.url, {
    credentials: async () => ({ kind: 'key', apiKey: `key-${++asked}` }),
  });
  for (const expected of ['Token key-1', 'Token key-2']) {
    const log = createLiveLog();
    transport.connect(log.handlers);
    await closeOf(log);
    expect(server.requests.at(-1)?.headers.authorization).toBe(expected);
  }
});

test('a supplier of short-lived tokens is asked for by each connection, refused ones too', async () => {
  server = await startTestServer({ refuse: { status: 401 } });
  let issued = 0;
  const credentials = createCredentialsProvider({
    apiKey: undefined,
    accessToken: async () => `token-${++issued}`,
    environment: () => ({}),
  });
  const transport = transportTo(server.url, { credentials });
  for (const expected of ['Bearer token-1', 'Bearer token-2', 'Bearer token-3']) {
    const log = createLiveLog();
    transport.connect(log.handlers);
    await closeOf(log);
    expect(server.requests.at(-1)?.headers.authorization).toBe(expected);
  }
});

test('opening, messages and the close are told in order, the close once', async () => {
  server = await startTestServer({
    onStream: (socket) => {
      socket.send(JSON.stringify({ type: 'Metadata' }));
      socket.send('no JSON {');
      socket.send('"text"');
      socket.send('[1]');
      socket.send(Buffer.from([1, 2, 3]));
      socket.send(JSON.stringify({ type: 'Later' }));
      socket.close(1000);
    },
  });
  const { handlers, calls } = createLiveLog();
  const connection = transportTo(server.url).connect(handlers);
  expect(() => connection.sendAudio(SECOND)).toThrow('not open');
  expect(connection.ping()).toBe(false);
  await eventually(() => calls.at(-1)).toMatch(/^close/);
  expect(calls).toEqual([
    'open request-7',
    'message Metadata',
    ...Array.from({ length: 4 }, () => 'warning invalid_message'),
    'message Later',
    'close 1000',
  ]);
  expect(() => connection.sendControl('KeepAlive')).toThrow('not open');
  expect(() => connection.sendAudio(SECOND)).toThrow('not open');
  expect(connection.ping()).toBe(false);
  connection.close();
});

test('audio and control messages arrive in their order, audio as binary messages', async () => {
  const received: unknown[] = [];
  server = await startTestServer({
    onStream: (socket) =>
      socket.on('message', (data: Buffer, isBinary) => received.push(isBinary ? [...data] : String(data))),
  });
  const log = createLiveLog();
  const connection = transportTo(server.url).connect(log.handlers);
  await eventually(() => log.calls).toEqual(['open request-7']);
  // A view into the middle of a buffer.
  connection.sendAudio(new Uint8Array([9, 1, 2, 9]).subarray(1, 3));
  connection.sendControl('KeepAlive');
  connection.sendControl('Finalize');
  connection.sendAudio(new Uint8Array([3]));
  connection.sendControl('CloseStream');
  await eventually(() => received).toEqual([
    [1, 2],
    '{"type":"KeepAlive"}',
    '{"type":"Finalize"}',
    [3],
    '{"type":"CloseStream"}',
  ]);
  expect(() => connection.configure({})).toThrow('Only Flux');
  connection.close();
  await closeOf(log);
});

test('a message whose handler throws ends the connection, not the process', async () => {
  server = await startTestServer({
    onStream: (socket) => {
      socket.send('{"type":"First"}');
      socket.send('{"type":"Second"}');
    },
  });
  const log = createLiveLog();
  const messages: unknown[] = [];
  transportTo(server.url).connect({
    ...log.handlers,
    onMessage: (message) => {
      messages.push(message.type);
      throw new TypeError('no such field');
    },
  });
  const { close, error } = await closeOf(log);
  expect(close.code).toBe(1006);
  expect(error).toMatchObject({ code: 'internal', retryable: false });
  expect(error?.cause).toMatchObject({ message: 'no such field' });
  expect(messages).toEqual(['First']);
  await eventually(() => server?.openConnections()).toBe(0);
});

test.each(['v1', 'flux'] as const)('handshakes of %s that are refused are typed errors', async (protocol) => {
  const cases = [
    [400, 'BadRequestError', 'bad_request', false],
    [401, 'AuthError', 'invalid_credentials', false],
    [402, 'AuthError', 'payment_required', false],
    [403, 'AuthError', 'forbidden', false],
    [429, 'RateLimitError', 'rate_limited', true],
    [503, 'ProviderError', 'provider_unavailable', true],
    [302, 'ProviderError', 'provider_error', false],
  ] as const;
  for (const [status, name, code, retryable] of cases) {
    const headers = {
      'dg-request-id': 'refused-1',
      'dg-error': 'It is said here, see https://a.test/x?key=secret',
      'retry-after': '3',
      location: 'http://127.0.0.1:1/',
    };
    const refusing = await startTestServer({ refuse: { status, headers } });
    const log = createLiveLog();
    transportTo(refusing.url, { protocol }).connect(log.handlers);
    const { close, error } = await closeOf(log);
    expect(close.code).toBe(1006);
    expect(error).toMatchObject({ name, code, retryable, status, requestId: 'refused-1', region: 'test' });
    expect(error?.message).not.toContain('secret');
    expect((error as { retryAfterMs?: number }).retryAfterMs).toBe(3000);
    expect(log.calls).toEqual(['close 1006']);
    await eventually(() => refusing.openConnections()).toBe(0);
    await refusing.close();
  }
});

test('the body of a refused handshake says why, and its end is not waited for', async () => {
  server = await startTestServer({
    refuse: {
      status: 429,
      headers: { 'content-length': '99999' },
      body: `{"err_code":"TOO_MANY_REQUESTS","err_msg":"slow down"}${' '.repeat(8192)}`,
    },
  });
  const log = createLiveLog();
  transportTo(server.url).connect(log.handlers);
  const { error } = await closeOf(log);
  expect(error).toMatchObject({ name: 'RateLimitError', message: expect.stringContaining('slow down') });
  expect(error).not.toHaveProperty('retryAfterMs', expect.any(Number));
});

test('a refused connection', async () => {
  const log = createLiveLog();
  transportTo(await refusedUrl()).connect(log.handlers);
  const { error } = await closeOf(log);
  expect(error).toMatchObject({ name: 'NetworkError', code: 'network', retryable: true, region: 'test' });
  expect(error?.message).toContain('ECONNREFUSED');
});

test('a handshake answered with something else than HTTP leaves none of it on the error', async () => {
  await using peer = await startTcpServer((socket) =>
    socket.on('data', () => socket.end('my secret words\r\n')),
  );
  const log = createLiveLog();
  transportTo(peer.url).connect(log.handlers);
  const { error } = await closeOf(log);
  expect(error).toMatchObject({ name: 'NetworkError', code: 'network' });
  expect(error?.cause).toBeInstanceOf(Error);
  expect(error?.cause).not.toHaveProperty('rawPacket');
  expect(inspect(error, { depth: 9 })).not.toMatch(/secret words|6d 79 20 73/);
});

test('a server that never answers', async () => {
  server = await startTestServer({ silent: true });
  const log = createLiveLog();
  transportTo(server.url, { connectTimeoutMs: 50 }).connect(log.handlers);
  const { error } = await closeOf(log);
  expect(error).toMatchObject({ name: 'TimeoutError', code: 'timeout', retryable: true });
  await eventually(() => server?.openConnections()).toBe(0);
});

test('missing credentials, credentials that fail and ones that no header can carry', async () => {
  server = await startTestServer();
  const environment = () => ({});
  const given = (apiKey: string | undefined) =>
    createCredentialsProvider({ apiKey, accessToken: undefined, environment });
  const cases = [
    [given(undefined), { name: 'AuthError', code: 'missing_credentials', retryable: false }],
    [given('ke\ny'), { name: 'AuthError', code: 'invalid_credentials', retryable: false }],
    [() => new Promise<never>(() => undefined), { name: 'TimeoutError' }],
  ] as const;
  for (const [credentials, expected] of cases) {
    const log = createLiveLog();
    transportTo(server.url, { credentials, connectTimeoutMs: 100 }).connect(log.handlers);
    expect((await closeOf(log)).error).toMatchObject(expected);
  }
  expect(server.requests).toEqual([]);
});

test.each([
  [1008, 'DATA-0000', 'UnsupportedSourceError', 'unprocessable_audio', false, /DATA-0000/],
  [
    1011,
    'See https://dpgr.am/net0001',
    'ProviderError',
    'provider_error',
    true,
    /no audio.*within 10 s.*before the first audio/,
  ],
  [1011, 'NET-0000', 'ProviderError', 'provider_error', true, /failed/],
  [1013, 'later', 'NetworkError', 'connection_closed', true, /1013/],
])('a stream closed with %i %s', async (closeCode, reason, name, code, retryable, said) => {
  server = await startTestServer({ onStream: (socket) => socket.close(closeCode, reason) });
  const log = createLiveLog();
  transportTo(server.url).connect(log.handlers);
  const { close, error } = await closeOf(log);
  expect(close).toEqual({ code: closeCode, reason });
  expect(error).toMatchObject({ name, code, retryable, requestId: 'request-7', region: 'test' });
  expect(error?.message).toMatch(said);
});

test.each([1000, 1005])('a stream closed with %i has not failed', async (code) => {
  server = await startTestServer({ onStream: (socket) => socket.close(code === 1005 ? undefined : code) });
  const log = createLiveLog();
  transportTo(server.url).connect(log.handlers);
  expect(await closeOf(log)).toEqual({ close: { code, reason: '' }, error: undefined });
});

test('a broken socket is a closed connection', async () => {
  server = await startTestServer({ onStream: (socket) => socket.terminate() });
  const log = createLiveLog();
  transportTo(server.url).connect(log.handlers);
  const { close, error } = await closeOf(log);
  expect(close.code).toBe(1006);
  expect(error).toMatchObject({ code: 'connection_closed', retryable: true });
});

test('closing a stream whose server stopped reading takes a second, not thirty', async () => {
  server = await startTestServer({ onStream: (socket) => socket.pause() });
  const log = createLiveLog();
  const connection = transportTo(server.url).connect(log.handlers);
  await eventually(() => log.calls).toEqual(['open request-7']);
  connection.sendAudio(new Uint8Array(20_000_000));
  connection.close();
  const { bufferedAmount } = connection;
  expect(() => connection.sendAudio(SECOND)).not.toThrow();
  expect(() => connection.sendControl('CloseStream')).not.toThrow();
  // What is lost is not held either.
  expect(connection.bufferedAmount).toBe(bufferedAmount);
  expect((await closeOf(log)).error).toBeUndefined();
});

test('closing before the connection is open ends the attempt', async () => {
  server = await startTestServer({ silent: true });
  const attempt = createLiveLog();
  const connection = transportTo(server.url).connect(attempt.handlers);
  await eventually(() => server?.requests.length).toBe(1);
  connection.close();
  connection.close();
  await closeOf(attempt);
  await eventually(() => server?.openConnections()).toBe(0);

  const early = createLiveLog();
  transportTo(server.url).connect(early.handlers).close();
  await eventually(() => early.calls).toEqual(['close 1000']);
  expect(server.requests).toHaveLength(1);
});
