import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { fromStream, TranscriptionClient } from 'transcription-client';
import { deepgramHandlers, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from '../support/client.js';

const { audio } = synthesizeSpeech('default host');
const LISTEN = 'https://api.deepgram.com/v1/listen';
const AUDIO_URL = 'https://files.example.test/a.wav';

const server = setupServer(
  ...deepgramHandlers({ http, HttpResponse }, { apiKeys: ['key'], audio: { [AUDIO_URL]: audio } }),
);
const client = new TranscriptionClient({ apiKey: 'key', retry: { minDelayMs: 1, maxDelayMs: 5 } });

beforeAll(() => server.listen({ onUnhandledRequest: 'error' }));
afterEach(() => server.resetHandlers());
afterAll(async () => {
  await client.close();
  server.close();
});

describe('Deepgram’s own host, mocked in the process', () => {
  it('is where a client without regions goes', async () => {
    const transcript = await client.transcribe(audio);
    expect(transcript).toMatchObject({ text: 'default host', region: 'default', model: 'nova-3' });
    expect((await client.transcribe(AUDIO_URL)).text).toBe('default host');
    expect((await client.transcribe(fromStream(() => new Blob([new Uint8Array(audio)]).stream()))).text).toBe(
      'default host',
    );
  });

  it('refuses another key', async () => {
    const own = new TranscriptionClient({ apiKey: 'wrong' });
    expect(await failureOf(own.transcribe(audio))).toMatchObject({
      name: 'AuthError',
      code: 'invalid_credentials',
      status: 401,
    });
    await own.close();
  });

  it('is asked again after a 503, with the whole audio', async () => {
    const lengths: number[] = [];
    server.use(
      http.post(LISTEN, async ({ request }) => {
        lengths.push((await request.clone().arrayBuffer()).byteLength);
        return lengths.length < 3 ? new HttpResponse('busy', { status: 503 }) : undefined;
      }),
    );
    expect((await client.transcribe(audio)).text).toBe('default host');
    expect(lengths).toEqual([audio.byteLength, audio.byteLength, audio.byteLength]);
  });

  it('that cannot be reached gives a NetworkError', async () => {
    server.use(http.post(LISTEN, () => HttpResponse.error()));
    expect(await failureOf(client.transcribe(audio))).toMatchObject({
      name: 'NetworkError',
      code: 'network',
    });
  });
});
