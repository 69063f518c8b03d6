import { TranscriptionClient, type TranscriptionError } from 'transcription-client';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import {
  type Reply,
  refusedUrl,
  startAnswering,
  startHttpServer,
  startTcpServer,
} from '../support/fault-server.js';
import { shown } from '../support/leaks.js';
import { ManualClock } from '../support/manual-clock.js';

const KEY = 'CANARY-key-0123456789';
const AUDIO = synthesizeSpeech('good morning').audio;

let emulator: DeepgramEmulator;

beforeAll(async () => {
  emulator = await startDeepgramEmulator({ apiKeys: [KEY] });
});

afterAll(() => emulator.close());

describe('grantToken()', () => {
  it('makes a token with which another client transcribes, and which the key is no part of', async () => {
    await using client = clientOf(emulator.url, { apiKey: KEY });
    const granted = await client.grantToken();
    expect(granted).toEqual({
      token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      expiresInSeconds: 30,
    });
    expect(granted.token).not.toContain(KEY);
    await using browser = clientOf(emulator.url, { accessToken: granted.token });
    expect((await browser.transcribe(AUDIO)).text).toBe('good morning');
  });

  it('asks for the life that is wanted', async () => {
    await using client = clientOf(emulator.url, { apiKey: KEY });
    for (const ttlSeconds of [1, 3600]) {
      expect(await client.grantToken({ ttlSeconds })).toMatchObject({ expiresInSeconds: ttlSeconds });
    }
  });

  it('asks the region that is named, and names it in its errors', async () => {
    await using client = new TranscriptionClient({
      apiKey: KEY,
      regions: [
        { name: 'near', endpoint: emulator.url },
        { name: 'far', endpoint: await refusedUrl() },
      ],
    });
    await client.grantToken();
    expect(await failureOf(client.grantToken({ region: 'far' }))).toMatchObject({
      name: 'NetworkError',
      code: 'network',
      region: 'far',
      ambiguous: false,
    });
  });

  it.each<[string, object]>([
    ['ttlSeconds', { ttlSeconds: 0 }],
    ['ttlSeconds', { ttlSeconds: 3601 }],
    ['ttlSeconds', { ttlSeconds: 1.5 }],
    ['ttlSeconds', { ttlSeconds: '30' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['region', { region: 'none' }],
    ['signal', { signal: {} }],
  ])('refuses a wrong %s: %j', async (name, options) => {
    await using client = clientOf(emulator.url, { apiKey: KEY });
    const error = await failureOf(client.grantToken(options));
    expect(error).toMatchObject({ name: 'BadRequestError', code: 'invalid_option' });
    expect(error.message).toContain(name);
  });

  it('refuses an option that nobody knows', async () => {
    await using client = clientOf(emulator.url, { apiKey: KEY });
    const options: object = { ttl: 30 };
    expect((await failureOf(client.grantToken(options))).code).toBe('unknown_option');
  });

  it('rejects without credentials, and with such as Deepgram does not know', async () => {
    await using none = clientOf(emulator.url, { apiKey: '' });
    expect((await failureOf(none.grantToken())).code).toBe('missing_credentials');
    await using wrong = clientOf(emulator.url, { apiKey: 'CANARY-wrong' });
    const error = await failureOf(wrong.grantToken());
    expect(error).toMatchObject({ name: 'AuthError', code: 'invalid_credentials', status: 401 });
    expect(shown(error)).not.toContain('CANARY');
  });

  it('takes the length of a life that Deepgram does not tell for the one that was asked for', async () => {
    await using server = await startAnswering({ status: 200, body: { access_token: 'abc' } });
    await using client = clientOf(server.url);
    expect(await client.grantToken({ ttlSeconds: 77 })).toEqual({ token: 'abc', expiresInSeconds: 77 });
  });
});

describe('a grant that Deepgram refuses', () => {
  it.each<[number, string, string, boolean, RegExp]>([
    [403, 'AuthError', 'forbidden', false, /role Member/],
    [429, 'RateLimitError', 'rate_limited', true, /429/],
    [500, 'ProviderError', 'provider_error', true, /500/],
    [504, 'ProviderError', 'timeout', true, /504/],
    [599, 'ProviderError', 'provider_error', true, /599/],
  ])('with %i is a %s, of which nothing is ambiguous', async (status, name, code, retryable, message) => {
    const body = { err_code: 'NO', err_msg: `no tokens for ${KEY}`, request_id: 'request-1' };
    await using server = await startAnswering({ status, body });
    await using client = clientOf(server.url, { apiKey: KEY });
    const error = await failureOf(client.grantToken());
    expect(error).toMatchObject({
      name,
      code,
      status,
      retryable,
      ambiguous: false,
      requestId: 'request-1',
      region: 'here',
    });
    expect(error.message).toMatch(message);
    expect(shown(error)).not.toContain(KEY);
    // Whoever asks may ask again: no attempt is made behind its back.
    expect(server.requests).toHaveLength(1);
  });

  it.each<[string, Reply]>([
    ['no JSON', { status: 200, body: '<html>CANARY-token</html>' }],
    ['no object', { status: 200, body: '["CANARY-token"]' }],
    ['no token', { status: 200, body: { token: 'CANARY-token', expires_in: 30 } }],
    [
      'a token that no header carries',
      { status: 200, body: { access_token: 'CANARY-token\n', expires_in: 30 } },
    ],
    ['a life that is none', { status: 200, body: { access_token: 'CANARY-token', expires_in: -1 } }],
    ['another status', { status: 202, body: { access_token: 'CANARY-token', expires_in: 30 } }],
    ['a redirect', { status: 302, headers: { location: 'https://files.example.test/?sig=CANARY-token' } }],
  ])('with %s is an invalid answer, which is not shown', async (_what, reply) => {
    await using server = await startAnswering(reply);
    await using client = clientOf(server.url, { apiKey: KEY });
    const error = await failureOf(client.grantToken());
    expect(error).toMatchObject({ code: 'invalid_response', retryable: false });
    expect(error.message).toContain('access token');
    expect(shown(error)).not.toContain('CANARY');
  });
});

describe('a grant that nobody answers', () => {
  it('ends by its time limit', async () => {
    await using server = await startTcpServer(() => undefined);
    const clock = new ManualClock();
    const client = clientOf(server.url, { clock });
    for (const [options, limitMs] of [
      [{}, 10_000],
      [{ timeoutMs: 300 }, 300],
    ] as const) {
      const failure = failureOf(client.grantToken(options));
      await expect.poll(() => clock.pendingTimers).toBe(1);
      await clock.advance(limitMs);
      const error = await failure;
      expect(error).toMatchObject({ code: 'timeout', ambiguous: false, retryable: true, region: 'here' });
      expect(error.message).toMatch(new RegExp(`grantToken\\(\\).*${limitMs} ms.*timeoutMs`));
    }
    expect(clock.pendingTimers).toBe(0);
    await client.close();
  });

  it('ends at once when it is aborted, and with its client', async () => {
    await using server = await startTcpServer(() => undefined);
    const client = clientOf(server.url);
    const controller = new AbortController();
    const aborted = failureOf(client.grantToken({ signal: controller.signal }));
    const closed = failureOf(client.grantToken());
    await expect.poll(() => server.connections()).toBe(2);
    controller.abort();
    expect(await aborted).toMatchObject({ code: 'aborted', ambiguous: false });
    await client.close({ timeoutMs: 0 });
    expect(await closed).toMatchObject({ code: 'client_closed' });
    expect((await failureOf(client.grantToken())).code).toBe('client_closed');
  });

  it('and breaks is not told to have cost anything', async () => {
    await using server = await startHttpServer((request) =>
      request.resume().on('end', () => request.socket.resetAndDestroy()),
    );
    await using client = clientOf(server.url, { apiKey: KEY });
    const error: TranscriptionError = await failureOf(client.grantToken());
    expect(error).toMatchObject({ code: 'network', retryable: true, ambiguous: false });
    expect(error.message).not.toContain('done the work');
    expect(shown(error)).not.toContain(KEY);
  });
});
