import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type DeepgramEmulator,
  type DeepgramEmulatorOptions,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AUTHORIZATION, type Body, CORRUPT, post, transcriptOf } from './emulator-http-client.js';

const TEXT = 'hello big world';
const WAV = synthesizeSpeech(TEXT).audio;

let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator();
});
afterEach(() => emulator.close());

describe('callback', () => {
  interface Delivery {
    readonly method: string | undefined;
    readonly authorization: string | undefined;
    readonly body: Body;
  }
  const deliveries: Delivery[] = [];
  const receiver = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { authorization } = request.headers;
    deliveries.push({ method: request.method, authorization, body: JSON.parse(text) as Body });
    response.end();
  });
  let host: string;
  beforeEach(async () => {
    deliveries.length = 0;
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    const closed = new Promise((resolve) => receiver.close(resolve));
    receiver.closeAllConnections();
    await closed;
  });

  it('is answered with the request id, and delivered once', async () => {
    const callback = encodeURIComponent(`http://user:p%40ss@${host}/hook`);
    const accepted = await post(emulator, `/v1/listen?callback=${callback}&extra=secret:x`, WAV);
    expect(accepted.status).toBe(200);
    expect(accepted.body).toEqual({ request_id: accepted.headers.get('dg-request-id') });
    await vi.waitFor(() => expect(deliveries).toHaveLength(1));
    const [delivery] = deliveries;
    expect(delivery?.method).toBe('POST');
    expect(delivery?.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
    expect(delivery && transcriptOf(delivery.body)).toBe(TEXT);
    expect(delivery?.body.metadata).toMatchObject({
      request_id: accepted.body.request_id,
      extra: { secret: 'x' },
    });
  });

  it('delivers errors too, and by PUT where that is asked for', async () => {
    const query = new URLSearchParams({ callback: `http://${host}/`, callback_method: 'put' });
    expect((await post(emulator, `/v1/listen?${query}`, new Uint8Array(10))).status).toBe(200);
    await vi.waitFor(() => expect(deliveries).toHaveLength(1));
    expect(deliveries[0]).toMatchObject({ method: 'PUT', body: CORRUPT });
  });

  it.each(['https://example.com/hook', 'nonsense', ''])('refuses to deliver to %s', async (callback) => {
    const { status } = await post(emulator, `/v1/listen?${new URLSearchParams({ callback })}`, WAV);
    expect(status).toBe(400);
  });

  it('survives a receiver that is not there', async () => {
    const closed = await startDeepgramEmulator();
    await closed.close();
    const callback = `${closed.url}/hook`;
    expect((await post(emulator, `/v1/listen?${new URLSearchParams({ callback })}`, WAV)).status).toBe(200);
    expect((await post(emulator, '/v1/listen', WAV)).status).toBe(200);
  });
});

describe('authorization', () => {
  it.each([{}, { authorization: 'Token' }, { authorization: 'key' }, { authorization: 'Basic abc' }])(
    'is refused with %o',
    async (headers) => {
      const { status, body } = await post(emulator, '/v1/listen', WAV, headers);
      expect(status).toBe(401);
      expect(body).toEqual({
        err_code: 'INVALID_AUTH',
        err_msg: expect.any(String),
        request_id: emulator.requests[0]?.requestId,
      });
    },
  );

  it('checks the keys that were given', async () => {
    await emulator.close();
    emulator = await startDeepgramEmulator({ apiKeys: ['right'] });
    const status = async (authorization: string) =>
      (await post(emulator, '/v1/listen', WAV, { authorization })).status;
    expect(await status('Token right')).toBe(200);
    expect(await status('token right')).toBe(200);
    expect(await status('Token wrong')).toBe(401);
    expect(await status('Bearer wrong')).toBe(401);
  });

  it('grants tokens that pass until they expire', async () => {
    await emulator.close();
    emulator = await startDeepgramEmulator({ apiKeys: ['right'] });
    const granted = await post(
      emulator,
      '/v1/auth/grant',
      { ttl_seconds: 1 },
      { authorization: 'Token right' },
    );
    expect(granted.body).toEqual({
      access_token: expect.stringMatching(/^[^.]+\.[^.]+\.[^.]+$/),
      expires_in: 1,
    });
    const authorization = `Bearer ${String(granted.body.access_token)}`;
    expect((await post(emulator, '/v1/listen', WAV, { authorization })).status).toBe(200);
    expect((await post(emulator, '/v1/listen', WAV, { authorization: `${authorization}x` })).status).toBe(
      401,
    );
    await vi.waitFor(
      async () => expect((await post(emulator, '/v1/listen', WAV, { authorization })).status).toBe(401),
      { timeout: 3000, interval: 100 },
    );
  });

  it('grants for 30 seconds by default and checks the lifetime', async () => {
    expect((await post(emulator, '/v1/auth/grant', '')).body.expires_in).toBe(30);
    expect((await post(emulator, '/v1/auth/grant', {})).body.expires_in).toBe(30);
    for (const ttl of [0, 3601, -1, '30', null]) {
      const expected = ttl === null ? 200 : 400;
      expect((await post(emulator, '/v1/auth/grant', { ttl_seconds: ttl })).status).toBe(expected);
    }
    expect((await post(emulator, '/v1/auth/grant', {}, {})).status).toBe(401);
  });
});

describe('the server', () => {
  it('answers 404 and 405 in JSON', async () => {
    const missing = await post(emulator, '/v1/nothing', WAV);
    expect(missing.status).toBe(404);
    expect(missing.body).toMatchObject({
      err_code: 'NOT_FOUND',
      request_id: missing.headers.get('dg-request-id'),
    });
    const wrong = await fetch(`${emulator.url}/v1/listen`, { headers: AUTHORIZATION });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toBe('POST');
    expect(await wrong.json()).toMatchObject({ err_code: 'METHOD_NOT_ALLOWED' });
  });

  it('keeps a journal without credentials', async () => {
    await post(emulator, '/v1/listen?tag=a&tag=b', WAV, { authorization: 'Token my-secret', 'x-own': 'yes' });
    expect(emulator.requests).toHaveLength(1);
    const [request] = emulator.requests;
    expect(request).toMatchObject({
      method: 'POST',
      path: '/v1/listen',
      status: 200,
      bodyBytes: WAV.byteLength,
    });
    expect(request?.query.getAll('tag')).toEqual(['a', 'b']);
    expect(request?.headers['x-own']).toBe('yes');
    expect(request?.headers.authorization).toBe('Token ***');
    expect(request?.live).toBeUndefined();
    await post(emulator, '/v1/listen', WAV, { authorization: 'my-secret' });
    expect(JSON.stringify(emulator.requests)).not.toContain('my-secret');
  });

  it('survives a client that breaks off its upload', async () => {
    const upload = httpRequest(`${emulator.url}/v1/listen`, { method: 'POST', headers: AUTHORIZATION });
    upload.on('error', () => {});
    upload.write(Buffer.from(WAV.subarray(0, 5000)));
    await vi.waitFor(() => expect(emulator.requests[0]?.bodyBytes).toBe(5000));
    upload.destroy();
    expect((await post(emulator, '/v1/listen', WAV)).status).toBe(200);
    expect(emulator.requests[0]?.status).toBeUndefined();
  });

  it('stops the recognizer when the client leaves', async () => {
    await emulator.close();
    let stopped = false;
    let started = false;
    emulator = await startDeepgramEmulator({
      recognizer: (_audio, { signal }) =>
        new Promise((_resolve, reject) => {
          started = true;
          signal.addEventListener('abort', () => {
            stopped = true;
            reject(new Error('aborted'));
          });
        }),
    });
    const leave = new AbortController();
    const answer = fetch(`${emulator.url}/v1/listen`, {
      method: 'POST',
      headers: AUTHORIZATION,
      body: Buffer.from(WAV),
      signal: leave.signal,
    });
    const failed = expect(answer).rejects.toThrow();
    await vi.waitFor(() => expect(started).toBe(true));
    leave.abort();
    await failed;
    await vi.waitFor(() => expect(stopped).toBe(true));
  });

  it('close() ends requests under way and frees the port', async () => {
    await emulator.close();
    emulator = await startDeepgramEmulator({ processingMs: 60_000 });
    const failed = expect(post(emulator, '/v1/listen', WAV)).rejects.toThrow();
    await vi.waitFor(() => expect(emulator.requests[0]?.bodyBytes).toBe(WAV.byteLength));
    await emulator.close();
    await failed;
    const next = await startDeepgramEmulator({ port: emulator.port });
    expect(next.port).toBe(emulator.port);
    await expect(startDeepgramEmulator({ port: next.port })).rejects.toThrow(
      new RegExp(`port ${next.port} is taken \\(EADDRINUSE\\)\\. Leave port out`),
    );
    await next[Symbol.asyncDispose]();
  });

  it('names options that are out of bounds', async () => {
    await expect(startDeepgramEmulator({ processingMs: -1 })).rejects.toThrow(/processingMs.*-1/);
    await expect(startDeepgramEmulator({ live: { maxSegmentSeconds: 0 } })).rejects.toThrow(
      /maxSegmentSeconds.*0/,
    );
    expect(() => emulator.serveAudio(WAV, { path: 'speech.wav' })).toThrow(/slash/);
  });

  it.each<[string, unknown, RegExp]>([
    ['null', null, /options of the emulator: must be an object, got null/],
    ['a typo', { apiKey: ['k'] }, /Unknown option 'apiKey'.*Did you mean apiKeys\?/],
    ['an unknown option', { foo: 1 }, /Unknown option 'foo'.*Take it out/],
    ['apiKeys', { apiKeys: 'x' }, /apiKeys: must be a list of strings, got 'x'/],
    ['a key', { apiKeys: ['k', 5] }, /apiKeys\[1\]: must be a string/],
    ['models', { models: 5 }, /models: must be a list/],
    ['recognizer', { recognizer: 5 }, /recognizer: must be a function, got 5/],
    ['host', { host: 5 }, /host: must be a string/],
    ['port', { port: '80' }, /port: must be a number, got string/],
    ['a port out of bounds', { port: 65_536 }, /port: must be from 0 to 65535, got 65536/],
    ['half a port', { port: 80.5 }, /port: must be a whole number/],
    ['live', { live: 5 }, /live: must be an object, got 5/],
    [
      'an option of live',
      { live: { endpointing: 5 } },
      /'endpointing' in live.*Did you mean endpointingMs\?/,
    ],
    ['a time without end', { live: { idleTimeoutMs: Number.POSITIVE_INFINITY } }, /idleTimeoutMs.*Infinity/],
  ])('refuses %s', async (_name, options, message) => {
    const error: unknown = await startDeepgramEmulator(options as DeepgramEmulatorOptions).catch(
      (reason: unknown) => reason,
    );
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    expect((error as Error).message).toMatch(message);
  });

  it('refuses what it cannot serve', () => {
    expect(() => emulator.serveAudio('a.wav' as never)).toThrow(/bytes: must be a Uint8Array, got 'a.wav'/);
    expect(() => emulator.serveAudio(WAV, { type: 'audio/ogg' } as never)).toThrow(/Unknown option 'type'/);
    expect(() => emulator.serveAudio(WAV, null as never)).toThrow(TypeError);
  });
});
