import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { bearerToken, createWebSocketBridge } from '../../../src/server/websocket/index.js';
import { Browser, listen, rawUpgrade, startRig, startRigOf, UPGRADE_HEADERS } from './bridge-rig.js';
import { FakeClient } from './fake-client.js';

test('a page of another host is refused with 403, and nobody is asked who it is', async () => {
  let asked = 0;
  const rig = await startRig({
    authorize: () => {
      asked += 1;
      return { userId: 'anna' };
    },
  });
  for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${rig.port}.evil.example`, 'x']) {
    expect((await rig.refused({ headers: { origin } })).status, origin).toBe(403);
  }
  expect(asked).toBe(0);
  expect(rig.activity).toContainEqual({ type: 'refused', status: 403, reason: 'origin' });
  const own = await rig.browser({ headers: { origin: `http://127.0.0.1:${rig.port}` } });
  await own.start();
});

test('only the origins of the list pass, where there is one', async () => {
  const rig = await startRig({
    allowedOrigins: ['https://app.example.com', 'capacitor://localhost'],
    requireOrigin: true,
  });
  for (const origin of [
    `http://127.0.0.1:${rig.port}`,
    'https://app.example.com:444',
    'http://app.example.com',
  ]) {
    expect((await rig.refused({ headers: { origin } })).status, origin).toBe(403);
  }
  expect((await rig.refused()).status).toBe(403);
  for (const origin of ['https://app.example.com', 'capacitor://localhost']) {
    await (await rig.browser({ headers: { origin } })).start();
  }
});

test('who is nobody is refused with 401', async () => {
  const rig = await startRig();
  expect((await rig.refused({ user: '' })).status).toBe(401);
  const none = await startRig({ authorize: (() => undefined) as never });
  expect((await none.refused()).status).toBe(401);
});

test('a failing authorize is 500 without details, and no secret of the request reaches the events', async () => {
  const rig = await startRig({
    authorize: ({ url, headers }) => {
      throw new Error(
        `cannot read ${url} ${headers.cookie} ${headers.authorization} ${headers['sec-websocket-protocol']}`,
      );
    },
  });
  const answer = await rig.refused({
    user: 'canary-in-the-query',
    protocols: ['transcription.v1', 'bearer.canary-in-the-protocol'],
    headers: { cookie: 'sid=canary-in-the-cookie', authorization: 'Bearer canary-in-the-header' },
  });
  expect(answer.status).toBe(500);
  expect(inspect(answer.headers)).not.toContain('canary');
  const told = inspect(rig.activity, { depth: 9, showHidden: true });
  expect(told).toContain('The function authorize of the WebSocket bridge has failed.');
  expect(told).toContain('cannot read');
  expect(told).not.toContain('canary');
  const noUser = await startRig({ authorize: () => ({ userId: '' }) });
  expect((await noUser.refused()).status).toBe(500);
});

test("what else a principal has is nobody's business but yours", async () => {
  const ended: unknown[] = [];
  const principal = { userId: 'anna', status: 'active', refusal: 'none', scopes: ['stream'] };
  const rig = await startRig({ authorize: () => principal, onSessionEnd: (told) => void ended.push(told) });
  const browser = await rig.browser();
  await browser.start();
  browser.say({ type: 'finish' });
  await browser.closed;
  expect(ended).toEqual([principal]);
});

test('an authorize that does not answer holds no place for ever', async () => {
  const rig = await startRig({ startTimeoutMs: 50, authorize: () => new Promise(() => undefined) });
  expect((await rig.refused()).status).toBe(503);
  expect(rig.activity).toContainEqual({ type: 'refused', status: 503, reason: 'authorize-timeout' });
  expect(rig.bridge.connections).toBe(0);
});

test('another subprotocol is refused, and ours is chosen among others', async () => {
  const rig = await startRig();
  expect((await rig.refused({ protocols: [] })).status).toBe(400);
  expect((await rig.refused({ protocols: ['other'] })).status).toBe(400);
  const browser = await rig.browser({ protocols: ['bearer.canary', 'transcription.v1'] });
  expect(browser.socket.protocol).toBe('transcription.v1');
});

test('a token comes as a subprotocol, or in the header', async () => {
  const users = new Map([['secret-token', { userId: 'anna' }]]);
  const rig = await startRig({ authorize: (request) => users.get(bearerToken(request) ?? '') ?? null });
  const protocols = ['transcription.v1', 'bearer.secret-token'];
  const browser = await rig.browser({ user: '', protocols });
  expect(browser.socket.protocol).toBe('transcription.v1');
  await rig.browser({ user: '', headers: { authorization: 'Bearer secret-token' } });
  const wrong = [['transcription.v1', 'bearer.other'], ['transcription.v1', 'bearer.'], ['transcription.v1']];
  for (const offered of wrong) expect((await rig.refused({ user: '', protocols: offered })).status).toBe(401);
});

test('another path is left to who listens for it, and answered with 404 where nobody does', async () => {
  const rig = await startRig();
  expect((await rig.refused({ path: '/stream/' })).status).toBe(404);
  const others = new WebSocketServer({ server: rig.server, path: '/other' });
  const open = new Browser(`ws://127.0.0.1:${rig.port}/other`, { protocols: [] });
  await open.opened;
  expect(rig.activity).toEqual([]);
  others.close();
});

test('two bridges share a server: a path that neither takes is answered with 404, once', async () => {
  const rig = await startRig();
  const second = createWebSocketBridge(rig.client, {
    authorize: () => ({ userId: 'anna' }),
    path: '/second',
  });
  second.attach(rig.server);
  for (const path of ['/stream', '/second']) await (await rig.browser({ path })).start();
  expect((await rig.refused({ path: '/third' })).status).toBe(404);
  const socket = connect(rig.port, '127.0.0.1');
  socket.write(['GET /third HTTP/1.1', ...UPGRADE_HEADERS, '\r\n'].join('\r\n'));
  expect((await text(socket)).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404']);
  const others = new WebSocketServer({ server: rig.server, path: '/third' });
  await new Browser(`ws://127.0.0.1:${rig.port}/third`, { protocols: [] }).opened;
  others.close();
  await second.close();
});

test('who is gone before the 404 does not end the process', async () => {
  const rig = await startRig();
  for (let i = 0; i < 20; i++) {
    const socket = connect(rig.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(['GET /nowhere HTTP/1.1', ...UPGRADE_HEADERS, '\r\n'].join('\r\n'), () =>
      socket.resetAndDestroy(),
    );
    await once(socket, 'close');
  }
  expect((await rig.refused({ path: '/nowhere' })).status).toBe(404);
});

test('handleUpgrade() says whether the path is its own', async () => {
  const rig = await startRig({ path: '/mine' });
  const server = createServer();
  const seen: boolean[] = [];
  server.on('upgrade', async (request, socket, head) => {
    const isOurs = await rig.bridge.handleUpgrade(request, socket, head);
    seen.push(isOurs);
    if (!isOurs) socket.destroy();
  });
  const port = await listen(server);
  const browser = new Browser(`ws://127.0.0.1:${port}/mine?user=anna`, {});
  await browser.opened;
  await browser.start();
  await new Browser(`ws://127.0.0.1:${port}/yours?user=anna`, {}).closed;
  expect(seen).toEqual([true, false]);
  server.close();
});

test('what is no handshake of a WebSocket takes no place', async () => {
  const rig = await startRig({ maxConnections: 1 });
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(`http://127.0.0.1:${rig.port}/stream?user=anna`);
    expect(await answer.text()).toBe('plain');
    const headers = UPGRADE_HEADERS.filter((line) => !line.startsWith('Sec-WebSocket-Key'));
    expect(await rawUpgrade(rig.port, { headers })).toBe(400);
  }
  await (await rig.browser()).start();
});

test('one connection too many is 503, and tells when to come again', async () => {
  const rig = await startRig({ maxConnections: 2 });
  const first = await rig.browser({ user: 'one' });
  await rig.browser({ user: 'two' });
  const { status, headers } = await rig.refused({ user: 'three' });
  expect(status).toBe(503);
  expect(headers['retry-after']).toBe('5');
  first.socket.close();
  await expect.poll(() => rig.bridge.connections).toBe(1);
  await rig.browser({ user: 'three' });
});

test('one session too many of a user is 429, while others come in', async () => {
  const rig = await startRig({ maxSessionsPerPrincipal: 2 });
  for (let i = 0; i < 2; i++) await (await rig.browser()).start();
  const { status, headers } = await rig.refused();
  expect(status).toBe(429);
  expect(headers['retry-after']).toBe('5');
  await (await rig.browser({ user: 'ben' })).start();
});

test('a session whose browser is away counts: a new one is refused after its start', async () => {
  const rig = await startRig({ maxSessionsPerPrincipal: 1 });
  const browser = await rig.browser();
  const { session } = await browser.start();
  browser.socket.terminate();
  await expect.poll(() => rig.bridge.connections).toBe(0);
  const second = await rig.browser();
  second.say({ type: 'start' });
  expect(await second.closed).toMatchObject({ code: 1013 });
  await (await rig.browser()).start({ session });
});

test('a connection that is broken without knowing it does not keep its user out', async () => {
  const rig = await startRig({ maxSessionsPerPrincipal: 1 });
  const browser = await rig.browser({ options: { autoPong: false } });
  const { session } = await browser.start();
  const second = await rig.browser();
  await second.start({ session });
});

test.each([
  ['allowedOrigins', { allowedOrigins: ['https://app.example.com/'] }],
  ['allowedOrigins', { allowedOrigins: ['app.example.com'] }],
  ['allowedOrigins', { allowedOrigins: ['*'] }],
  ['allowedOptions', { allowedOptions: ['callback'] }],
  ['allowedOptions', { allowedOptions: ['userId'] }],
  ['streamOptions', { streamOptions: { userId: 'x' } }],
  ['path', { path: 'stream' }],
  ['path', { path: '/stream?x' }],
  ['maxConnections', { maxConnections: 0 }],
  ['maxBufferedBytes', { maxBufferedBytes: 8_000_000 }],
  ['authorize', { authorize: undefined }],
  ['onEvent', { onEvent: 1 }],
  ['heartBeatMs', { heartBeatMs: 1 }],
])('a wrong %s is refused', async (name, options) => {
  await expect(startRigOf(new FakeClient(), options as never)).rejects.toThrow(name);
});

test('a client that is none is refused', async () => {
  await expect(startRigOf({} as never)).rejects.toThrow('client');
  await expect(startRigOf(undefined as never)).rejects.toThrow('client');
});
