import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/internal/system-clock.js';
import { createWebhookTargets, type DeliverWebhookOptions, verifyWebhook } from '../../src/webhooks/index.js';
import { type FaultServer, type Reply, refusedUrl, startTcpServer } from '../support/fault-server.js';
import { shown } from '../support/leaks.js';
import { deliver, startReplying } from './receiver.js';

const RAW_SECRET = 'CANARY-secret-0123456789-0123456789';
const SECRET = `whsec_${Buffer.from(RAW_SECRET).toString('base64')}`;
/** The path, the query and a user too may open a door. */
const PATH = '/CANARY-path/a?token=CANARY-token&x=%43ANARY';
const BODY = JSON.stringify({ text: 'CANARY-transcript', metadata: { note: 'CANARY-note' } });
const WRITTEN = /CANARY|Q0FOQVJZ|%43ANARY/i;

/** What came of an attempt, whatever it was. */
async function attempt(url: string, options: Partial<DeliverWebhookOptions> = {}): Promise<unknown> {
  return deliver(`${url}${PATH}`, { body: BODY, secrets: [SECRET, RAW_SECRET], ...options }).catch(
    (error: unknown) => error,
  );
}

const REPLIES: Readonly<Record<string, Reply>> = {
  'an error that repeats all': {
    status: 500,
    headers: { location: `http://127.0.0.1${PATH}`, 'retry-after': 'CANARY', 'x-a': RAW_SECRET },
    body: `${PATH} ${BODY} ${SECRET}`,
  },
  'a redirect': { status: 302, headers: { location: `https://CANARY:CANARY@127.0.0.1${PATH}` } },
  'an end of the subscription': { status: 410, body: BODY },
  'a success': { status: 200, body: BODY },
};

const SOCKETS: Readonly<Record<string, (socket: Socket) => void>> = {
  'a reset': (socket) => socket.resetAndDestroy(),
  'an answer that cannot be read': (socket) => socket.end(`CANARY ${BODY}\r\n\r\n`),
  'a head that cannot be read': (socket) => socket.end(`HTTP/1.1 200 OK\r\nCANARY ${BODY}\r\n\r\n`),
  'a silence': () => undefined,
};

describe('neither secret, URL nor text is in what comes of', () => {
  it.each(Object.keys(REPLIES))('%s', async (name) => {
    await using server = await startReplying(REPLIES[name] as Reply);
    const outcome = await attempt(server.url);
    expect(outcome).toMatchObject({ httpStatus: expect.any(Number) });
    expect(shown(outcome)).not.toMatch(WRITTEN);
  });

  it.each(Object.keys(SOCKETS))('%s', async (name) => {
    await using server: FaultServer = await startTcpServer((socket) =>
      socket.once('data', () => SOCKETS[name]?.(socket)),
    );
    const timeoutMs = name === 'a silence' ? 50 : 15_000;
    const outcome = await attempt(server.url, { timeoutMs, clock: systemClock });
    expect(outcome).toMatchObject({ outcome: 'failed', code: expect.any(String) });
    expect(shown(outcome)).not.toMatch(WRITTEN);
  });

  it('a refused connection', async () => {
    const outcome = await attempt(await refusedUrl());
    expect(outcome).toMatchObject({ code: 'ECONNREFUSED' });
    expect(shown(outcome)).not.toMatch(WRITTEN);
  });

  it.each([
    'https://CANARY.internal',
    'https://CANARY:CANARY@example.com',
    'https://127.0.0.1:1',
    'CANARY',
    'https://a.example.com',
  ])('the forbidden URL %s', async (url) => {
    const error = Object.assign(new Error(`CANARY ${PATH}`), { code: `CANARY ${PATH}` });
    const resolve = (): Promise<never> => Promise.reject(error);
    const targets = createWebhookTargets({ resolve });
    const outcome = await attempt(url, { targets });
    expect(outcome).toMatchObject({ outcome: 'failed', code: expect.any(String) });
    expect(shown(outcome)).not.toMatch(WRITTEN);
    if (url !== 'https://a.example.com') {
      expect(shown(errorOf(() => targets.check(`${url}${PATH}`)))).not.toMatch(WRITTEN);
    }
  });

  it('an abort', async () => {
    await using server = await startTcpServer((socket) => socket.once('data', () => controller.abort()));
    const controller = new AbortController();
    const error = await attempt(server.url, { signal: controller.signal });
    expect(error).toMatchObject({ name: 'AbortedError' });
    expect(shown(error)).not.toMatch(WRITTEN);
  });

  it('a wrong secret or id', async () => {
    for (const wrong of [
      { secrets: ['CANARY-short'] },
      { secrets: [`${SECRET}CANARY`] },
      { secrets: { CANARY: SECRET } as never },
      { id: 'CANARY id' },
    ]) {
      const error = await attempt('http://127.0.0.1:1', wrong);
      expect(error).toMatchObject({ code: 'invalid_option' });
      expect(shown(error)).not.toMatch(WRITTEN);
    }
  });

  it('a webhook that is refused', async () => {
    const time = String(Math.floor(Date.now() / 1000));
    const right = { 'webhook-id': 'CANARY', 'webhook-timestamp': time, 'webhook-signature': 'v1,CANARY' };
    for (const [headers, body] of [
      [right, BODY],
      [{ ...right, 'webhook-timestamp': 'CANARY' }, BODY],
      [{ ...right, 'webhook-timestamp': '5' }, BODY],
      [{ authorization: 'CANARY' }, BODY],
      ['CANARY', BODY],
      [['CANARY'], BODY],
      [right, { text: 'CANARY' }],
      [right, BODY.repeat(20_000)],
    ]) {
      for (const secret of [SECRET, RAW_SECRET, 'CANARY']) {
        const error = await verifyWebhook({ headers, body, secret } as never).catch(
          (failure: unknown) => failure,
        );
        expect(error).toMatchObject({ name: expect.stringMatching(/^(AuthError|BadRequestError)$/) });
        expect(shown(error)).not.toMatch(WRITTEN);
      }
    }
  });
});

function errorOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
