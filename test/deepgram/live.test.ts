import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LiveClose, LiveConnectionHandlers } from '../../src/contracts/index.js';
import { createCredentialsProvider } from '../../src/deepgram/credentials.js';
import { metadata, results } from '../support/fake-live-transport.js';
import { startTcpServer } from '../support/fault-server.js';
import { collect, liveTo, RAW_16K, transportTo, typesOf } from '../support/live.js';
import { refusedUrl, startTestServer, type TestServer } from '../support/web-socket-server.js';

const SECOND = new Uint8Array(32_000);

let server: TestServer | undefined;
let timersBefore = 0;

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
/** The first connection of a run loads the SDK, which takes a while. */
const eventually = <Value>(value: () => Value) => expect.poll(value, { timeout: 8000 });

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

/** Answers CloseStream as Deepgram does. */
function endPolitely(socket: import('ws').WebSocket, duration = 1): void {
  socket.on('message', (data, isBinary) => {
    if (isBinary || JSON.parse(String(data)).type !== 'CloseStream') return;
    socket.send(JSON.stringify(metadata(duration)));
    socket.close(1000);
  });
}

interface Log {
  readonly calls: string[];
  readonly closes: { close: LiveClose; error: Error | undefined }[];
  readonly handlers: LiveConnectionHandlers;
}

function log(): Log {
  const calls: string[] = [];
  const closes: Log['closes'] = [];
  return {
    calls,
    closes,
    handlers: {
      onOpen: ({ requestId }) => calls.push(`open ${requestId}`),
      onMessage: ({ type }) => calls.push(`message ${type}`),
      onWarning: ({ code }) => calls.push(`warning ${code}`),
      onPong: () => calls.push('pong'),
      onDrain: () => calls.push('drain'),
      onClose: (close, error) => {
        calls.push(`close ${close.code}`);
        closes.push({ close, error });
      },
    },
  };
}

test('every parameter and the credentials reach the handshake', async () => {
  server = await startTestServer({ onStream: (socket) => socket.close(1000) });
  const { handlers, closes } = log();
  transportTo(`${server.url}/`, {
    parameters: {
      model: 'nova-3',
      ...RAW_16K,
      interim_results: true,
      keyterm: ['one two', 'three'],
      new_one: 7,
    },
    credentials: async () => ({ kind: 'token', accessToken: 'short-lived' }),
  }).connect(handlers);
  await eventually(() => closes.length).toBe(1);
  const url = new URL(server.requests[0]?.url ?? '', server.url);
  expect(url.pathname).toBe('/v1/listen');
  expect([...url.searchParams]).toEqual(
    expect.arrayContaining([
      ['model', 'nova-3'],
      ['encoding', 'linear16'],
      ['sample_rate', '16000'],
      ['interim_results', 'true'],
      ['keyterm', 'one two'],
      ['keyterm', 'three'],
      ['new_one', '7'],
    ]),
  );
  expect(server.requests[0]?.headers.authorization).toBe('Bearer short-lived');
});

test('a key goes as a token, and is asked for by each connection', async () => {
  server = await startTestServer({ onStream: (socket) => socket.close(1000) });
  let asked = 0;
  const transport = transportTo(server.url, {
    credentials: async () => ({ kind: 'key', apiKey: `key-${++asked}` }),
  });
  for (const expected of ['Token key-1', 'Token key-2']) {
    const { handlers, closes } = log();
    transport.connect(handlers);
    await eventually(() => closes.length).toBe(1);
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
  const { handlers, calls } = log();
  const connection = transportTo(server.url).connect(handlers);
  expect(() => connection.sendAudio(SECOND)).toThrow();
  await eventually(() => calls.at(-1)).toMatch(/^close/);
  expect(calls).toEqual([
    'open request-7',
    'message Metadata',
    ...Array.from({ length: 4 }, () => 'warning invalid_message'),
    'message Later',
    'close 1000',
  ]);
  expect(() => connection.sendControl('KeepAlive')).toThrow();
  connection.close();
});

test.each([
  [401, { 'dg-error': 'Invalid credentials' }, '', 'AuthError', 'invalid_credentials', false],
  [
    429,
    { 'retry-after': '3' },
    '{"err_code":"TOO_MANY_REQUESTS","err_msg":"slow down"}',
    'RateLimitError',
    'rate_limited',
    true,
  ],
  [503, {}, '<html>down</html>', 'ProviderError', 'provider_unavailable', true],
  [
    400,
    { 'dg-error': 'Bad encoding, see https://a.test/x?key=secret' },
    '',
    'BadRequestError',
    'bad_request',
    false,
  ],
  [302, { location: 'http://127.0.0.1:1/' }, '', 'ProviderError', 'provider_error', false],
])('a handshake answered with %i', async (status, headers, body, name, code, retryable) => {
  server = await startTestServer({
    refuse: { status, headers: { 'dg-request-id': 'refused-1', ...headers }, body },
  });
  const live = liveTo(server.url);
  const failure = expect(live.opened).rejects.toMatchObject({
    name,
    code,
    retryable,
    status,
    requestId: 'refused-1',
    region: 'test',
  });
  await failure;
  await expect(live.finish()).rejects.toMatchObject({ code });
  const events = await collect(live);
  expect(typesOf(events)).toEqual(['error', 'end']);
  const message = events[0]?.type === 'error' ? events[0].error.message : '';
  expect(message).not.toContain('secret');
  if (status === 401) expect(message).toContain('Invalid credentials');
  if (status === 429) expect(events[0]).toMatchObject({ error: { retryAfterMs: 3000 } });
  await eventually(() => server?.openConnections()).toBe(0);
});

test('a refused connection', async () => {
  const live = liveTo(await refusedUrl());
  await expect(live.opened).rejects.toMatchObject({ name: 'NetworkError', code: 'network', retryable: true });
  await expect(live.finish()).rejects.toThrow(/ECONNREFUSED/);
});

test('a handshake answered with something else than HTTP leaves none of it on the error', async () => {
  await using peer = await startTcpServer((socket) =>
    socket.on('data', () => socket.end('my secret words\r\n')),
  );
  const error: Error = await liveTo(peer.url).opened.then(
    () => expect.fail('It was opened.'),
    (failure) => failure,
  );
  expect(error).toMatchObject({ name: 'NetworkError', code: 'network' });
  expect(error.cause).toBeInstanceOf(Error);
  expect(error.cause).not.toHaveProperty('rawPacket');
  expect(inspect(error, { depth: 9 })).not.toMatch(/secret words|6d 79 20 73/);
});

test('a server that never answers', async () => {
  server = await startTestServer({ silent: true });
  const live = liveTo(server.url, { connectTimeoutMs: 50 });
  await expect(live.opened).rejects.toMatchObject({ name: 'TimeoutError', code: 'timeout', retryable: true });
  await eventually(() => server?.openConnections()).toBe(0);
});

test('missing credentials, credentials that fail and ones that no header can carry', async () => {
  server = await startTestServer();
  const environment = () => ({});
  const none = liveTo(server.url, {
    credentials: createCredentialsProvider({ apiKey: undefined, accessToken: undefined, environment }),
  });
  await expect(none.opened).rejects.toMatchObject({ name: 'AuthError', code: 'missing_credentials' });
  const broken = liveTo(server.url, {
    credentials: createCredentialsProvider({ apiKey: 'ke\ny', accessToken: undefined, environment }),
  });
  await expect(broken.opened).rejects.toMatchObject({ name: 'AuthError', code: 'invalid_credentials' });
  const slow = liveTo(server.url, { credentials: () => new Promise(() => undefined), connectTimeoutMs: 30 });
  await expect(slow.opened).rejects.toMatchObject({ name: 'TimeoutError' });
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
  [1000, '', 'NetworkError', 'connection_closed', true, /1000/],
])(
  'a stream closed with %i %s keeps what was understood',
  async (closeCode, reason, name, code, retryable, said) => {
    server = await startTestServer({
      onStream: (socket) => {
        socket.on('message', () => {
          socket.send(JSON.stringify(results('so far')));
          socket.close(closeCode, reason);
        });
      },
    });
    const live = liveTo(server.url);
    await live.send(SECOND.subarray(0, 640));
    await eventually(() => live.stats().state).toBe('failed');
    await expect(live.finish()).rejects.toMatchObject({
      name,
      code,
      retryable,
      message: expect.stringMatching(said),
    });
    expect(live.partial()).toMatchObject({ text: 'so far', requestId: 'request-7' });
    expect(typesOf(await collect(live))).toEqual(['open', 'final', 'error', 'end']);
  },
);

test('a broken socket is a closed connection', async () => {
  server = await startTestServer({ onStream: (socket) => socket.on('message', () => socket.terminate()) });
  const live = liveTo(server.url);
  await live.send(SECOND);
  await eventually(() => live.stats().state).toBe('failed');
  await expect(live.finish()).rejects.toMatchObject({ code: 'connection_closed', retryable: true });
});

test('messages that are broken, unknown or errors are warnings', async () => {
  server = await startTestServer({
    onStream: (socket) => {
      endPolitely(socket);
      socket.send('{');
      socket.send(JSON.stringify({ type: 'Results', channel_index: 'x' }));
      socket.send(JSON.stringify({ type: 'News', n: 1 }));
      socket.send(JSON.stringify({ type: 'News', n: 2 }));
      socket.send(
        JSON.stringify({ type: 'Error', description: 'bad https://a.test/?token=secret', variant: 'X' }),
      );
      socket.send(JSON.stringify(results('still fine')));
    },
  });
  const live = liveTo(server.url);
  await live.send(SECOND.subarray(0, 640));
  expect((await live.finish()).text).toBe('still fine');
  const warnings = (await collect(live)).filter((event) => event.type === 'warning');
  expect(warnings.map(({ code }) => code)).toEqual([
    'invalid_message',
    'invalid_message',
    'unknown_message',
    'provider_message',
  ]);
  expect(JSON.stringify(warnings)).not.toContain('secret');
});

test('a server that stops reading makes send() wait, and memory stays bounded', async () => {
  let received = 0;
  server = await startTestServer({
    onStream: (socket) => {
      endPolitely(socket);
      socket.on('message', (data: Buffer, isBinary) => {
        if (isBinary) received += data.length;
      });
      socket.pause();
    },
  });
  const live = liveTo(server.url);
  await live.opened;
  let accepted = 0;
  let done = false;
  const sending = (async () => {
    for (; accepted < 1000; accepted += 1) await live.send(SECOND);
    done = true;
  })();
  let before = -1;
  await expect
    .poll(
      () => {
        const still = before === accepted;
        before = accepted;
        return still;
      },
      { interval: 150, timeout: 10_000 },
    )
    .toBe(true);
  expect(done).toBe(false);
  expect(live.stats().bytesBuffered).toBeLessThan(256 * 1024 + 2 * SECOND.length);
  server.sockets[0]?.resume();
  await sending;
  await live.finish();
  expect(received).toBe(1000 * SECOND.length);
});

test('closing a stream whose server stopped reading takes a second, not thirty', async () => {
  server = await startTestServer({ onStream: (socket) => socket.pause() });
  const { handlers, calls, closes } = log();
  const connection = transportTo(server.url).connect(handlers);
  await eventually(() => calls).toEqual(['open request-7']);
  connection.sendAudio(new Uint8Array(20_000_000));
  connection.close();
  expect(() => connection.sendAudio(SECOND)).not.toThrow();
  await eventually(() => closes.length).toBe(1);
  expect(closes[0]?.error).toBeUndefined();
});

test('closing before the connection is open ends the attempt', async () => {
  server = await startTestServer({ silent: true });
  const attempt = log();
  const connection = transportTo(server.url).connect(attempt.handlers);
  await eventually(() => server?.requests.length).toBe(1);
  connection.close();
  connection.close();
  await eventually(() => attempt.closes.length).toBe(1);
  await eventually(() => server?.openConnections()).toBe(0);

  const early = log();
  transportTo(server.url).connect(early.handlers).close();
  await eventually(() => early.calls).toEqual(['close 1000']);
  expect(server.requests).toHaveLength(1);
});

test('nothing is left after sessions of every end', async () => {
  server = await startTestServer({ onStream: (socket) => endPolitely(socket) });
  const refused = await refusedUrl();
  const finished = liveTo(server.url);
  await finished.send(SECOND);
  await finished.finish();
  const aborted = liveTo(server.url);
  await aborted.opened;
  aborted.abort();
  const failed = liveTo(refused);
  await expect(failed.opened).rejects.toThrow();
  liveTo(server.url).abort();
  await eventually(() => server?.openConnections()).toBe(0);
});
