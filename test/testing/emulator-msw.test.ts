import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { deepgramHandlers, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const TEXT = 'mocked in process';
const WAV = synthesizeSpeech(TEXT).audio;
const URL_OF_AUDIO = 'https://cdn.example.com/speech.wav';

const server = setupServer(
  ...deepgramHandlers({ http, HttpResponse }, { apiKeys: ['key'], audio: { [URL_OF_AUDIO]: WAV } }),
  ...deepgramHandlers({ http, HttpResponse }, { baseUrl: 'https://api.eu.deepgram.com/' }),
);
beforeAll(() => server.listen({ onUnhandledRequest: 'error' }));
afterAll(() => server.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & {
    readonly results?: { readonly channels: { readonly alternatives: { readonly transcript: string }[] }[] };
  };
}

async function post(
  url: string,
  body: Uint8Array | object,
  headers: Record<string, string> = { authorization: 'Token key' },
): Promise<Answer> {
  const isAudio = body instanceof Uint8Array;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': isAudio ? 'audio/wav' : 'application/json', ...headers },
    body: isAudio ? Buffer.from(body) : JSON.stringify(body),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Answer['body'],
  };
}

describe('deepgramHandlers', () => {
  it('answer an upload', async () => {
    const { status, headers, body } = await post('https://api.deepgram.com/v1/listen?smart_format=true', WAV);
    expect(status).toBe(200);
    expect(headers.get('dg-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.results?.channels[0]?.alternatives[0]?.transcript).toBe('Mocked in process.');
  });

  it('answer a URL from the audio that was given, and no other', async () => {
    const found = await post('https://api.deepgram.com/v1/listen', { url: URL_OF_AUDIO });
    expect(found.body.results?.channels[0]?.alternatives[0]?.transcript).toBe(TEXT);
    const missing = await post('https://api.deepgram.com/v1/listen', {
      url: 'https://cdn.example.com/other.wav',
    });
    expect(missing.status).toBe(400);
    expect(missing.body.err_code).toBe('REMOTE_CONTENT_ERROR');
  });

  it('answer errors as the emulator does', async () => {
    const unauthorized = await post('https://api.deepgram.com/v1/listen', WAV, {});
    expect(unauthorized.status).toBe(401);
    expect(unauthorized.body.err_code).toBe('INVALID_AUTH');
    expect((await post('https://api.deepgram.com/v1/listen', new Uint8Array(5))).status).toBe(400);
  });

  it('grant tokens that pass', async () => {
    const granted = await post('https://api.deepgram.com/v1/auth/grant', { ttl_seconds: 60 });
    expect(granted.body.expires_in).toBe(60);
    const headers = { authorization: `Bearer ${String(granted.body.access_token)}` };
    expect((await post('https://api.deepgram.com/v1/listen', WAV, headers)).status).toBe(200);
  });

  it('answer at another base URL', async () => {
    expect((await post('https://api.eu.deepgram.com/v1/listen', WAV)).status).toBe(200);
  });
});

it.each<[unknown, RegExp]>([
  [null, /must be an object/],
  [{ apiKey: ['k'] }, /Did you mean apiKeys\?/],
  [{ port: 5 }, /Unknown option 'port' in the options of deepgramHandlers\(\)/],
  [{ baseUrl: 5 }, /baseUrl: must be a string/],
  [{ recognizer: 5 }, /recognizer: must be a function/],
])('refuses the options %j', (options, message) => {
  expect(() => deepgramHandlers({ http, HttpResponse }, options as never)).toThrow(TypeError);
  expect(() => deepgramHandlers({ http, HttpResponse }, options as never)).toThrow(message);
});
