import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createFakeClock } from '../../src/testing/fake-clock.js';
import { closeStream, finals, openLive, refusedLive, textOf } from './emulator-client.js';
import { changes, openFlux } from './emulator-flux-client.js';
import { post } from './emulator-http-client.js';

const KEY = { authorization: 'Token right' };
const RAW = { encoding: 'linear16', sample_rate: '16000' };
const LIVE = `/v1/listen?${new URLSearchParams(RAW)}`;
const FLUX = `/v2/listen?${new URLSearchParams({ model: 'flux-general-en', ...RAW })}`;
const WAV = synthesizeSpeech('hello').audio;
const SPEECH = synthesizeSpeech('hello big world', { container: 'raw' }).audio;

const clock = createFakeClock();
let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator({ clock, apiKeys: ['right'] });
});
afterEach(() => emulator.close());

/** A token whose time is over. */
async function expiredToken(): Promise<string> {
  const { body } = await post(emulator, '/v1/auth/grant', { ttl_seconds: 10 }, KEY);
  await clock.advance(10_000);
  return String(body.access_token);
}

describe('a path or a method that is not known', () => {
  it.each([
    ['POST', '/', 404, 'NOT_FOUND'],
    ['POST', '/v1', 404, 'NOT_FOUND'],
    ['POST', '/v1/listen/', 404, 'NOT_FOUND'],
    ['GET', '/v1/projects', 404, 'NOT_FOUND'],
    ['POST', '/v1/__proto__', 404, 'NOT_FOUND'],
    ['GET', '/v1/listen', 405, 'METHOD_NOT_ALLOWED'],
    ['PUT', '/v1/listen', 405, 'METHOD_NOT_ALLOWED'],
    ['DELETE', '/v1/auth/grant', 405, 'METHOD_NOT_ALLOWED'],
    ['POST', '/v1/status', 405, 'METHOD_NOT_ALLOWED'],
    ['POST', '/v2/listen', 405, 'METHOD_NOT_ALLOWED'],
    ['GET', '/v2/listen', 400, 'Bad Request'],
  ])('%s %s is answered with %i', async (method, path, status, code) => {
    const response = await fetch(`${emulator.url}${path}`, { method, headers: KEY });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      err_code: code,
      err_msg: expect.stringMatching(/\w/),
      request_id: response.headers.get('dg-request-id'),
    });
    expect(response.headers.get('allow') !== null).toBe(status === 405);
  });

  it.each(['/', '/v1/status', '/v1/auth/grant', '/v3/listen'])('no stream is at %s', async (path) => {
    const refused = await refusedLive(emulator, path, KEY);
    expect(refused.status).toBe(404);
    expect(refused.headers['dg-error']).toMatch(/no stream/);
  });
});

describe('wrong credentials get 401', () => {
  const wrong = ['', 'Token', 'Token wrong', 'Bearer right', 'Basic cmlnaHQ=', 'right', 'Token right wrong'];

  it.each(wrong)('at HTTP: "%s"', async (authorization) => {
    for (const path of ['/v1/listen', '/v1/auth/grant']) {
      const { status, body, headers } = await post(emulator, path, WAV, { authorization });
      expect(status).toBe(401);
      expect(body).toEqual({
        err_code: 'INVALID_AUTH',
        err_msg: expect.any(String),
        request_id: headers.get('dg-request-id'),
      });
    }
  });

  it.each(wrong)('at the handshake, in the header: "%s"', async (authorization) => {
    for (const path of [LIVE, FLUX]) {
      const refused = await refusedLive(emulator, path, { authorization });
      expect([refused.status, refused.headers['dg-error']]).toEqual([401, 'Invalid credentials.']);
      expect(refused.headers['dg-request-id']).toBe(emulator.requests.at(-1)?.requestId);
    }
  });

  it.each([['token', 'wrong'], ['bearer', 'right'], ['token'], ['right']])(
    'at the handshake, as subprotocols: %s %s',
    async (...protocols) => {
      await expect(openLive(emulator, RAW, { protocols })).rejects.toThrow(/401/);
      expect(emulator.requests[0]).toMatchObject({ status: 401, live: undefined });
    },
  );

  it('with a token that has expired', async () => {
    const token = await expiredToken();
    const header = { authorization: `Bearer ${token}` };
    expect((await post(emulator, '/v1/listen', WAV, header)).status).toBe(401);
    expect((await refusedLive(emulator, LIVE, header)).status).toBe(401);
    expect((await refusedLive(emulator, FLUX, header)).status).toBe(401);
    await expect(openLive(emulator, RAW, { protocols: ['bearer', token] })).rejects.toThrow(/401/);
  });

  it('and the right ones pass everywhere, a stream also once its token has expired', async () => {
    const { body } = await post(emulator, '/v1/auth/grant', { ttl_seconds: 5 }, KEY);
    const token = String(body.access_token);
    const client = await openLive(emulator, RAW, { protocols: ['bearer', token] });
    await closeStream(await openLive(emulator, RAW, { protocols: ['token', 'right'] }));
    client.socket.send(SPEECH);
    await vi.waitFor(() => expect(emulator.requests[1]?.bodyBytes).toBe(SPEECH.byteLength));
    await clock.advance(4999);
    const header = { authorization: `Bearer ${token}` };
    expect((await post(emulator, '/v1/listen', WAV, header)).status).toBe(200);
    await clock.advance(1);
    expect(textOf(finals(await closeStream(client)))).toBe('hello big world');
  });
});

describe('a query value out of range gets 400', () => {
  it.each([
    'encoding=linear16',
    'encoding=linear16&sample_rate=0',
    'encoding=linear16&sample_rate=16000.5',
    'encoding=linear16&sample_rate=16000&channels=21',
    'encoding=linear16&sample_rate=16000&channels=one',
    'encoding=opus&sample_rate=48000',
    'multichannel=1',
    'model=flux-general-en',
    'model=flux-general-multi',
    'model=nova-2&keyterm=x',
  ])('at HTTP and live: %s', async (query) => {
    const { status, body } = await post(emulator, `/v1/listen?${query}`, WAV, KEY);
    expect([status, body.err_code]).toEqual([400, 'Bad Request']);
    const refused = await refusedLive(emulator, `/v1/listen?${query}`, KEY);
    expect([refused.status, refused.headers['dg-error']]).toEqual([400, body.err_msg]);
  });

  it.each([
    ['utterance_end_ms=500', /utterance_end_ms must be at least 1000/],
    ['utterance_end_ms=', /utterance_end_ms/],
    ['utterance_end_ms=-1000', /utterance_end_ms/],
    ['endpointing=abc', /endpointing must be false or a whole number/],
    ['endpointing=', /endpointing/],
    ['endpointing=10.5', /endpointing/],
    ['endpointing=-10', /endpointing/],
    ['interim_results=1', /interim_results must be true or false/],
    ['vad_events=yes', /vad_events/],
  ])('live: %s', async (query, text) => {
    const refused = await refusedLive(emulator, `${LIVE}&${query}`, KEY);
    expect(refused.status).toBe(400);
    expect(refused.headers['dg-error']).toMatch(text);
  });

  it.each([
    ['model=nova-3', /model/],
    ['eot_threshold=1.1', /eot_threshold must be from 0.5 to 1/],
    ['eager_eot_threshold=0.2', /eager_eot_threshold must be from 0.3 to 0.9/],
    ['eot_timeout_ms=60001', /eot_timeout_ms must be from 500 to 60000/],
    ['eot_timeout_ms=', /eot_timeout_ms/],
    ['smart_format=true', /smart_format is not supported by flux/],
    ['utterance_end_ms=1000', /utterance_end_ms is not supported by flux/],
    ['callback=http://127.0.0.1/', /callback is not supported by flux/],
  ])('in Flux: %s', async (query, text) => {
    const path = query.startsWith('model=') ? FLUX.replace(/model=[^&]+/, query) : `${FLUX}&${query}`;
    const refused = await refusedLive(emulator, path, KEY);
    expect(refused.status).toBe(400);
    expect(refused.headers['dg-error']).toMatch(text);
  });
});

describe('a message that cannot be read', () => {
  const texts = ['no json', '', '{', '[]', '"text"', '5', 'null', '{}', '{"type":5}', '{"type":"Novelty"}'];
  const options = { headers: KEY };

  /** The emulator ended the stream because of this text. */
  function isAnswered(text: string): Promise<void> {
    return vi.waitFor(() => {
      expect(emulator.requests[0]).toMatchObject({ outcome: 'answered', live: { controls: [text] } });
    });
  }

  it.each([...texts, '{"type":"Configure"}'])('ends a v1 stream with an Error: %s', async (text) => {
    const client = await openLive(emulator, RAW, options);
    client.socket.send(text);
    expect(await client.closed).toEqual({ code: 1008, reason: expect.stringMatching(/^DATA-0000/) });
    expect(client.messages).toEqual([
      {
        type: 'Error',
        variant: 'UnparsableClientMessage',
        description: expect.any(String),
        message: expect.any(String),
      },
    ]);
    await isAnswered(text);
  });

  it.each([...texts, '{"type":"KeepAlive"}', '{"type":"Finalize"}'])(
    'ends a Flux stream with an Error: %s',
    async (text) => {
      const client = await openFlux(emulator, {}, 'raw', KEY);
      client.socket.send(text);
      expect(await client.closed).toEqual({ code: 1008, reason: expect.stringMatching(/^DATA-0000/) });
      expect(client.messages.map(({ type, code }) => code ?? type)).toEqual([
        'Connected',
        'UNPARSABLE_CLIENT_MESSAGE',
      ]);
      await isAnswered(text);
    },
  );

  it('a 0-byte frame ends a v1 stream as CloseStream does', async () => {
    const client = await openLive(emulator, RAW, options);
    client.socket.send(SPEECH);
    client.socket.send(new Uint8Array(0));
    expect((await client.closed).code).toBe(1000);
    expect(textOf(finals(client.messages))).toBe('hello big world');
    expect(client.messages.at(-1)?.type).toBe('Metadata');
  });

  it('a 0-byte frame ends a Flux stream as CloseStream does', async () => {
    const client = await openFlux(emulator, {}, 'raw', KEY);
    client.socket.send(SPEECH);
    client.socket.send(new Uint8Array(0));
    expect((await client.closed).code).toBe(1005);
    expect(changes(client.messages)).toEqual([expect.stringMatching(/^StartOfTurn/)]);
    expect(client.messages.at(-1)).toMatchObject({ event: 'Update', transcript: 'hello big world' });
  });

  it('a 0-byte frame before any audio ends both', async () => {
    const client = await openLive(emulator, RAW, options);
    const flux = await openFlux(emulator, {}, 'raw', KEY);
    for (const { socket } of [client, flux]) socket.send(new Uint8Array(0));
    expect((await client.closed).code).toBe(1000);
    expect((await flux.closed).code).toBe(1005);
    expect(client.messages.map(({ type }) => type)).toEqual(['Metadata']);
    expect(flux.messages.map(({ type }) => type)).toEqual(['Connected']);
  });
});
