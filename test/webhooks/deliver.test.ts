import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { Webhook } from 'standardwebhooks';
import { AbortedError } from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';
import { deferred } from '../../src/streaming/deferred.js';
import { createWebhookTargets, verifyWebhook, type WebhookDelivery } from '../../src/webhooks/index.js';
import { failureOf } from '../support/client.js';
import { type FaultServer, refusedUrl, startTcpServer } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  BODY,
  clockOfNow,
  deliver,
  type Message,
  OTHER_SECRET,
  SECRET,
  startReceiver,
  startReplying,
} from './receiver.js';

describe('an attempt to deliver a webhook', () => {
  it('sends the payload once, signed, and says so', async () => {
    await using server = await startReplying({ status: 200 });
    const clock = new ManualClock(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
    const delivery = await deliver(`${server.url}/hooks/a?b=c`, { clock, secrets: [SECRET, OTHER_SECRET] });
    expect(delivery).toEqual({ outcome: 'delivered', httpStatus: 200, durationMs: 0 });
    expect(server.messages).toHaveLength(1);
    const [{ url, headers, body }] = server.messages as [Message];
    expect(url).toBe('/hooks/a?b=c');
    expect(body.equals(Buffer.from(BODY))).toBe(true);
    expect(headers).toEqual({
      host: new URL(server.url).host,
      connection: 'close',
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(BODY)),
      'user-agent': 'transcription-client',
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Date.UTC(2026, 0, 2, 3, 4, 5) / 1000),
      'webhook-signature': expect.stringMatching(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/),
    });
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([200, 201, 202, 204, 299])('is delivered by a %i', async (status) => {
    await using server = await startReplying({ status });
    expect(await deliver(server.url)).toEqual({ outcome: 'delivered', httpStatus: status, durationMs: 0 });
  });

  it.each([
    [300, 'redirect'],
    [302, 'redirect'],
    [304, 'redirect'],
    [308, 'redirect'],
    [400, 'http_status'],
    [401, 'http_status'],
    [404, 'http_status'],
    [429, 'http_status'],
    [500, 'http_status'],
    [503, 'http_status'],
    [599, 'http_status'],
    [999, 'http_status'],
  ])('fails by a %i, which is not followed', async (status, code) => {
    await using server = await startReplying({ status, headers: { location: '/other' } });
    expect(await deliver(server.url)).toEqual({ outcome: 'failed', httpStatus: status, code, durationMs: 0 });
    expect(server.messages).toHaveLength(1);
  });

  it('is the last one by a 410', async () => {
    await using server = await startReplying({ status: 410, headers: { 'retry-after': '5' } });
    expect(await deliver(server.url)).toEqual({ outcome: 'gone', httpStatus: 410, durationMs: 0 });
  });

  it.each([
    [429, { 'retry-after': '120' }, 120_000],
    [503, { 'retry-after': '1.5' }, 1500],
    [503, { 'retry-after': '0' }, 0],
    [
      500,
      { 'retry-after': 'Fri, 02 Jan 2026 04:00:00 GMT', date: 'Fri, 02 Jan 2026 03:00:00 GMT' },
      3_600_000,
    ],
    [503, { 'retry-after': 'Fri, 02 Jan 2026 01:00:00 GMT', date: 'Fri, 02 Jan 2026 03:00:00 GMT' }, 0],
    [503, { 'retry-after': 'soon' }, undefined],
    [503, { 'retry-after': '-5' }, undefined],
    [503, { 'retry-after': '9'.repeat(400) }, undefined],
    [200, { 'retry-after': '120' }, undefined],
  ])('tells what a %i with %j asks to wait', async (status, headers, retryAfterMs) => {
    await using server = await startReplying({ status, headers });
    const delivery = await deliver(server.url);
    expect(delivery.retryAfterMs).toBe(retryAfterMs);
    expect('retryAfterMs' in delivery).toBe(retryAfterMs !== undefined);
  });

  it('says how long it took, by the clock that it is handed', async () => {
    const clock = clockOfNow();
    await using server = await startReceiver((response) => {
      void clock.advance(1234).then(() => response.end());
    });
    expect(await deliver(server.url, { clock })).toMatchObject({ outcome: 'delivered', durationMs: 1234 });
  });
});

describe('several attempts of one message', () => {
  it('have one id and one body, and each a time and a signature of its own', async () => {
    const clock = clockOfNow();
    await using server = await startReplying({ status: 500 }, { status: 302 }, { status: 200 });
    const secrets = [SECRET, OTHER_SECRET];
    const outcomes: string[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      outcomes.push((await deliver(server.url, { clock, id: 'msg_same', secrets })).outcome);
      await clock.advance(61_000);
    }
    expect(outcomes).toEqual(['failed', 'failed', 'delivered']);
    const times = server.messages.map(({ headers }) => Number(headers['webhook-timestamp']));
    expect(times).toEqual([times[0], (times[0] ?? 0) + 61, (times[0] ?? 0) + 122]);
    expect(new Set(server.messages.map(({ headers }) => headers['webhook-signature'])).size).toBe(3);
    for (const { headers, body } of server.messages) {
      expect(headers['webhook-id']).toBe('msg_same');
      expect(body.toString()).toBe(BODY);
      for (const secret of secrets) {
        const theirs = new Webhook(secret).verify(body, headers as Record<string, string>);
        const ours = await verifyWebhook({ headers, body, secret });
        expect(ours).toEqual({ id: 'msg_same', ...(theirs as object) });
      }
    }
  });
});

describe('a receiver that breaks the connection', () => {
  it('by refusing it', async () => {
    expect(await deliver(await refusedUrl())).toEqual({
      outcome: 'failed',
      code: 'ECONNREFUSED',
      durationMs: 0,
    });
  });

  it.each<[string, RegExp, (socket: Socket) => void]>([
    ['a reset', /^ECONNRESET$/, (socket) => socket.resetAndDestroy()],
    ['an end without an answer', /^ECONNRESET$/, (socket) => socket.end()],
    ['half a head', /^(ECONNRESET|HPE_\w+)$/, (socket) => socket.end('HTTP/1.1 200 OK\r\nx: y')],
    ['no HTTP', /^HPE_\w+$/, (socket) => socket.end('220 mail ready\r\n\r\n')],
    ['an unasked upgrade', /^ECONNRESET|network$/, (socket) => socket.write(UPGRADE)],
    ['headers without end', /^HPE_HEADER_OVERFLOW$/, (socket) => floodHeaders(socket)],
  ])('by %s', async (_what, code, answer) => {
    await using server = await startTcpServer((socket) => socket.once('data', () => answer(socket)));
    const delivery = await deliver(server.url);
    expect(delivery).toEqual({ outcome: 'failed', code: expect.stringMatching(code), durationMs: 0 });
  });

  it.each<[string, string]>([
    ['within a body with a length', 'content-length: 100\r\n\r\nabc'],
    ['within a chunked body', 'transfer-encoding: chunked\r\n\r\n5\r\nab'],
    ['within a body that is no chunks', 'transfer-encoding: chunked\r\n\r\nno chunk'],
  ])('%s, after it has said that it took it', async (_what, rest) => {
    await using server = await startTcpServer((socket) =>
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${rest}`)),
    );
    expect(await deliver(server.url)).toEqual({ outcome: 'delivered', httpStatus: 200, durationMs: 0 });
  });

  const UPGRADE = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n';

  function floodHeaders(socket: Socket): void {
    socket.write('HTTP/1.1 200 OK\r\n');
    for (let count = 0; count < 100; count++) socket.write(`x-${count}: ${'y'.repeat(1000)}\r\n`);
  }
});

describe('the time limit', () => {
  /** What the attempt does at its last millisecond and after it. */
  async function runOut(
    server: FaultServer,
    run: (clock: ManualClock) => Promise<WebhookDelivery>,
    limitMs = 15_000,
  ): Promise<WebhookDelivery> {
    const clock = clockOfNow();
    let delivery: WebhookDelivery | undefined;
    const running = run(clock).then((outcome) => {
      delivery = outcome;
      return outcome;
    });
    await vi.waitFor(async () => expect(await server.connections()).toBe(1), { timeout: 10_000 });
    await clock.advance(limitMs - 1);
    expect(delivery).toBeUndefined();
    await clock.advance(1);
    await running;
    expect(clock.pendingTimers).toBe(0);
    await vi.waitFor(async () => expect(await server.connections()).toBe(0), { timeout: 10_000 });
    return running;
  }

  it('covers a receiver that does not answer', async () => {
    await using server = await startReceiver(() => undefined);
    const delivery = await runOut(server, (clock) => deliver(server.url, { clock }));
    expect(delivery).toEqual({ outcome: 'failed', code: 'timeout', durationMs: 15_000 });
  });

  it('may be another', async () => {
    await using server = await startReceiver(() => undefined);
    const delivery = await runOut(server, (clock) => deliver(server.url, { clock, timeoutMs: 250 }), 250);
    expect(delivery).toEqual({ outcome: 'failed', code: 'timeout', durationMs: 250 });
  });

  it('covers a head that trickles', async () => {
    await using server = await startTcpServer((socket) => {
      socket.once('data', () => trickle(socket, 'HTTP/1.1 200 OK\r\nx: '));
    });
    const delivery = await runOut(server, (clock) => deliver(server.url, { clock }));
    expect(delivery).toEqual({ outcome: 'failed', code: 'timeout', durationMs: 15_000 });
  });

  it('covers a TLS handshake that is not answered', async () => {
    // It reads, so that it sees the end of the connection.
    await using server = await startTcpServer((socket) => socket.resume());
    const url = server.url.replace('http:', 'https:');
    const delivery = await runOut(server, (clock) => deliver(url, { clock }));
    expect(delivery).toEqual({ outcome: 'failed', code: 'timeout', durationMs: 15_000 });
  });

  it('covers a look-up that is not answered, and a late answer changes nothing', async () => {
    await using server = await startReplying({ status: 200 });
    const clock = clockOfNow();
    const lookup = deferred<readonly string[]>();
    const targets = createWebhookTargets({ allow: ['127.0.0.0/8'], resolve: () => lookup.promise });
    const running = deliver(`http://slow.example.com:${server.port}/`, { clock, targets });
    await clock.advance(15_000);
    expect(await running).toEqual({ outcome: 'failed', code: 'timeout', durationMs: 15_000 });
    lookup.resolve(['127.0.0.1']);
    await deliver(server.url);
    expect(server.messages).toHaveLength(1);
  });

  it('ends the reading of an answer, which is delivered all the same', async () => {
    await using server = await startReceiver((response) => {
      response.writeHead(200);
      trickle(response, 'ok');
    });
    const clock = clockOfNow();
    const running = deliver(server.url, { clock });
    await headArrived(clock);
    await clock.advance(15_000);
    // It took until the headers were there, and not until the reading was given up.
    expect(await running).toEqual({ outcome: 'delivered', httpStatus: 200, durationMs: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  function trickle(to: Socket | ServerResponse, start: string): void {
    to.write(start);
    const timer = setInterval(() => to.write('.'), 20);
    to.on('close', () => clearInterval(timer));
  }
});

describe('the body of the answer', () => {
  it('is read to its end where it is short', async () => {
    let isWhole = false;
    await using server = await startReceiver((response) => {
      response.on('finish', () => {
        isWhole = true;
      });
      response.writeHead(200, { 'content-length': 4000 });
      response.write('a'.repeat(1000));
      setTimeout(() => response.end('a'.repeat(3000)), 50);
    });
    expect(await deliver(server.url)).toMatchObject({ outcome: 'delivered' });
    expect(isWhole).toBe(true);
  });

  it.each([200, 500])('is left where it is long or has no end: %i', async (status) => {
    let sent = 0;
    const closed = deferred<void>();
    await using server = await startReceiver((response) => {
      response.on('close', () => closed.resolve()).writeHead(status);
      void (async () => {
        while (!response.destroyed) {
          sent += 65_536;
          if (!response.write(Buffer.alloc(65_536))) {
            await Promise.race([once(response, 'drain'), closed.promise]);
          }
        }
      })();
    });
    const delivery = await deliver(server.url);
    expect(delivery).toMatchObject({ outcome: status === 200 ? 'delivered' : 'failed', httpStatus: status });
    await closed.promise;
    // What the buffers of the two sockets hold.
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });

  it('of 1 MB does not stay', async () => {
    await using server = await startReplying({ status: 500, body: 'CANARY'.repeat(170_000) });
    const delivery = await deliver(server.url);
    expect(delivery).toEqual({ outcome: 'failed', httpStatus: 500, code: 'http_status', durationMs: 0 });
  });
});

describe('the abort of an attempt', () => {
  it('before its start sends nothing', async () => {
    await using server = await startReplying({ status: 200 });
    const error = await failureOf(deliver(server.url, { signal: AbortSignal.abort() }));
    expect(error).toBeInstanceOf(AbortedError);
    expect(server.messages).toEqual([]);
  });

  it('while it waits for the answer closes the connection', async () => {
    const clock = clockOfNow();
    const controller = new AbortController();
    await using server = await startReceiver(() => controller.abort());
    const error = await failureOf(deliver(server.url, { clock, signal: controller.signal }));
    expect(error).toMatchObject({ name: 'AbortedError', code: 'aborted' });
    expect(clock.pendingTimers).toBe(0);
    await vi.waitFor(async () => expect(await server.connections()).toBe(0), { timeout: 10_000 });
  });

  it('passes on a reason of ours', async () => {
    const reason = new AbortedError('Closed.', { code: 'client_closed' });
    const controller = new AbortController();
    await using server = await startReceiver(() => controller.abort(reason));
    expect(await failureOf(deliver(server.url, { signal: controller.signal }))).toBe(reason);
  });

  it('once it is answered does not hide that it was taken', async () => {
    const clock = clockOfNow();
    const controller = new AbortController();
    await using server = await startReceiver((response) => void response.writeHead(200).write('a'));
    const running = deliver(server.url, { clock, signal: controller.signal });
    await headArrived(clock);
    controller.abort();
    expect(await running).toEqual({ outcome: 'delivered', httpStatus: 200, durationMs: 0 });
  });
});

/** An attempt asks for the time of day when it signs, and when the head of the answer is there. */
async function headArrived(clock: ManualClock): Promise<void> {
  const asked = vi.spyOn(clock, 'wallMs');
  await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce(), { timeout: 10_000 });
}

describe('a wrong call', () => {
  it.each<[string, object]>([
    ['secret', { secrets: ['short'] }],
    ['id', { id: 'a\r\nb' }],
  ])('with an unfit %s is refused, and sends nothing', async (_what, options) => {
    await using server = await startReplying({ status: 200 });
    expect(await failureOf(deliver(server.url, options))).toMatchObject({ code: 'invalid_option' });
    expect(server.messages).toEqual([]);
  });

  it('to a URL that is none fails like one that leads nowhere', async () => {
    for (const url of ['', 'no URL', 'ftp://127.0.0.1/']) {
      expect(await deliver(url)).toEqual({ outcome: 'failed', code: 'forbidden_address', durationMs: 0 });
    }
  });

  it('to a name that nobody knows fails by the code of the resolver', async () => {
    const targets = createWebhookTargets({
      resolve: () => Promise.reject(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' })),
    });
    const delivery = await deliver('https://unknown.example.com/', { targets });
    expect(delivery).toEqual({ outcome: 'failed', code: 'ENOTFOUND', durationMs: 0 });
    const silent = createWebhookTargets({ resolve: () => Promise.reject(new Error('No more.')) });
    expect(await deliver('https://unknown.example.com/', { targets: silent })).toMatchObject({
      code: 'network',
    });
  });
});

describe('a host that is mocked in the process', () => {
  it('gets the webhook', async () => {
    const url = 'https://hooks.example.com/a';
    const seen: unknown[] = [];
    const mock = setupServer(
      http.post(url, async ({ request }) => {
        const { headers } = request;
        seen.push(await verifyWebhook({ headers, body: await request.text(), secret: SECRET }));
        return new HttpResponse(null, { status: 204 });
      }),
    );
    mock.listen({ onUnhandledRequest: 'error' });
    try {
      const targets = createWebhookTargets({ allow: ['hooks.example.com'] });
      expect(await deliver(url, { targets })).toMatchObject({ outcome: 'delivered', httpStatus: 204 });
      expect(seen).toEqual([{ id: 'msg_1', ...JSON.parse(BODY) }]);
    } finally {
      mock.close();
    }
  });
});
