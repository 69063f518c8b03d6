import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type DeepgramEmulator,
  startDeepgramEmulator,
  synthesizeConversation,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { post, transcriptOf } from './emulator-http-client.js';
import { encodeAlaw, encodeMulaw } from './g711.js';

const TEXT = 'hello big world';
const WAV = synthesizeSpeech(TEXT).audio;

let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator();
});
afterEach(() => emulator.close());

describe('POST /v1/listen', () => {
  it('transcribes the audio of the body and describes it', async () => {
    const { status, headers, body } = await post(emulator, '/v1/listen?model=nova-3', WAV);
    expect(status).toBe(200);
    expect(transcriptOf(body)).toBe(TEXT);
    const model = body.metadata.models[0] ?? '';
    expect(body.metadata).toEqual({
      transaction_key: 'deprecated',
      request_id: headers.get('dg-request-id'),
      sha256: createHash('sha256').update(WAV).digest('hex'),
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      duration: synthesizeSpeech(TEXT).durationSeconds,
      channels: 1,
      models: [model],
      model_info: { [model]: { name: 'nova-3', version: expect.any(String), arch: 'nova-3' } },
    });
    expect(body.results.channels[0]?.alternatives[0]?.words.map(({ word }) => word)).toEqual(TEXT.split(' '));
    expect(body.results.utterances).toBeUndefined();
  });

  it('transcribes what a URL on this machine leads to', async () => {
    const url = emulator.serveAudio(WAV, { path: '/files/speech.wav', contentType: 'audio/x-wav' });
    expect((await fetch(url)).headers.get('content-type')).toBe('audio/x-wav');
    const { status, body } = await post(emulator, '/v1/listen', { url });
    expect(status).toBe(200);
    expect(transcriptOf(body)).toBe(TEXT);
    expect(body.metadata.sha256).toBe(createHash('sha256').update(WAV).digest('hex'));
  });

  it.each([
    'https://example.com/a.wav',
    'http://192.168.0.1/a.wav',
    'http://127.0.0.1.example.com/',
    'file:///etc/hosts',
  ])('refuses to fetch %s', async (url) => {
    const { status, body } = await post(emulator, '/v1/listen', { url });
    expect(status).toBe(400);
    expect(body.err_code).toBe('REMOTE_CONTENT_ERROR');
  });

  it('reports a URL that cannot be fetched', async () => {
    const closed = await startDeepgramEmulator();
    await closed.close();
    for (const url of [`${emulator.url}/missing.wav`, `${closed.url}/a.wav`]) {
      const { status, body } = await post(emulator, '/v1/listen', { url });
      expect(status).toBe(400);
      expect(body.err_code).toBe('REMOTE_CONTENT_ERROR');
    }
  });

  it('follows redirects on this machine and nowhere else', async () => {
    const url = emulator.serveAudio(WAV);
    const redirecting = createServer((request, response) => {
      const location =
        request.url === '/here' ? url : request.url === '/loop' ? '/loop' : 'https://example.com/';
      response.writeHead(302, { location }).end();
    });
    await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
    try {
      const host = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}`;
      expect((await post(emulator, '/v1/listen', { url: `${host}/here` })).status).toBe(200);
      expect((await post(emulator, '/v1/listen', { url: `${host}/away` })).body.err_code).toBe(
        'REMOTE_CONTENT_ERROR',
      );
      expect((await post(emulator, '/v1/listen', { url: `${host}/loop` })).body.err_code).toBe(
        'REMOTE_CONTENT_ERROR',
      );
    } finally {
      redirecting.closeAllConnections();
      await new Promise((resolve) => redirecting.close(resolve));
    }
  });

  it.each(['{', '[]', '"text"', '{}', '{"url":5}', '{"url":"no url"}'])(
    'refuses the JSON %s',
    async (json) => {
      const { status, body } = await post(emulator, '/v1/listen', json);
      expect(status).toBe(400);
      expect(body).toMatchObject({ err_code: 'Bad Request', request_id: expect.any(String) });
    },
  );

  it('mixes channels down, or recognises each with multichannel', async () => {
    const { audio } = synthesizeConversation([
      'left words',
      [{ text: '', pauseAfterSeconds: 2 }, 'right', 'words'],
    ]);
    const mixed = await post(emulator, '/v1/listen?utterances=true', audio);
    expect(mixed.body.metadata.channels).toBe(1);
    expect(transcriptOf(mixed.body)).toBe('left words right words');
    const { body } = await post(emulator, '/v1/listen?multichannel=true&utterances=true', audio);
    expect(body.metadata.channels).toBe(2);
    expect([transcriptOf(body, 0), transcriptOf(body, 1)]).toEqual(['left words', 'right words']);
    expect(body.results.utterances?.map(({ channel, transcript }) => [channel, transcript])).toEqual([
      [0, 'left words'],
      [1, 'right words'],
    ]);
  });

  it('lists the utterances of all channels in order of time', async () => {
    const { audio } = synthesizeConversation([[{ text: '', pauseAfterSeconds: 2 }, 'later'], 'earlier']);
    const { body } = await post(emulator, '/v1/listen?multichannel=true&utterances=true', audio);
    expect(body.results.utterances?.map(({ transcript }) => transcript)).toEqual(['earlier', 'later']);
  });

  it('splits utterances at pauses of utt_split seconds', async () => {
    const { audio } = synthesizeSpeech([{ text: 'one two', pauseAfterSeconds: 1 }, { text: 'three' }]);
    const split = async (query: string) => {
      const { body } = await post(emulator, `/v1/listen?utterances=true${query}`, audio);
      return body.results.utterances?.map(({ transcript }) => transcript);
    };
    expect(await split('')).toEqual(['one two', 'three']);
    expect(await split('&utt_split=1.5')).toEqual(['one two three']);
    expect(await split('&utt_split=0.05')).toEqual(['one', 'two', 'three']);
  });

  it('formats with smart_format, punctuate and paragraphs', async () => {
    const { audio } = synthesizeSpeech([{ text: 'one two', pauseAfterSeconds: 1 }, { text: 'three' }]);
    const smart = await post(emulator, '/v1/listen?smart_format=true', audio);
    const [alternative] = smart.body.results.channels[0]?.alternatives ?? [];
    expect(alternative?.transcript).toBe('One two. Three.');
    expect(alternative?.words.map((word) => word.punctuated_word)).toEqual(['One', 'two.', 'Three.']);
    expect(alternative?.words.map(({ word }) => word)).toEqual(['one', 'two', 'three']);
    expect(alternative?.paragraphs?.transcript).toBe('\nOne two. Three.');
    expect(alternative?.paragraphs?.paragraphs).toMatchObject([
      { num_words: 3, sentences: [{ text: 'One two.' }, { text: 'Three.' }] },
    ]);
    const plain = await post(emulator, '/v1/listen?punctuate=true', audio);
    expect(transcriptOf(plain.body)).toBe('One two. Three.');
    expect(plain.body.results.channels[0]?.alternatives[0]?.paragraphs).toBeUndefined();
  });

  it('echoes extra and tag, detects the language and numbers the speaker', async () => {
    const { body } = await post(
      emulator,
      '/v1/listen?extra=a:1&extra=url:http://x/y&tag=one&tag=two&detect_language=true&diarize=true&unknown=1',
      WAV,
    );
    expect(body.metadata).toMatchObject({ extra: { a: '1', url: 'http://x/y' }, tags: ['one', 'two'] });
    expect(body.results.channels[0]?.detected_language).toBe('en');
    expect(body.results.channels[0]?.alternatives[0]?.words.map(({ speaker }) => speaker)).toEqual([0, 0, 0]);
  });

  it('takes raw audio with encoding and sample_rate', async () => {
    const linear = synthesizeSpeech(TEXT, { container: 'raw', sampleRate: 8000 });
    const asLinear = await post(emulator, '/v1/listen?encoding=linear16&sample_rate=8000', linear.audio);
    expect(transcriptOf(asLinear.body)).toBe(TEXT);
    for (const [encoding, encode] of [
      ['mulaw', encodeMulaw],
      ['alaw', encodeAlaw],
    ] as const) {
      const path = `/v1/listen?encoding=${encoding}&sample_rate=8000`;
      const { body } = await post(emulator, path, Uint8Array.from(linear.pcm, encode));
      expect([encoding, transcriptOf(body)]).toEqual([encoding, TEXT]);
      expect(body.metadata.duration).toBe(linear.durationSeconds);
    }
    const floats = Buffer.from(Float32Array.from(linear.pcm, (sample) => sample / 32_768).buffer);
    const asFloats = await post(emulator, '/v1/listen?encoding=linear32&sample_rate=8000', floats);
    expect(transcriptOf(asFloats.body)).toBe(TEXT);
  });

  it.each([
    ['smart_format=yes'],
    ['utterances='],
    ['utt_split=often'],
    ['model=nova-3&keywords=word'],
    ['model=nova-3-medical&keywords=word'],
    ['model=nova-2&keyterm=word'],
    ['encoding=linear16'],
    ['encoding=linear16&sample_rate=fast'],
    ['encoding=linear16&sample_rate=8000&channels=0'],
    ['encoding=flac&sample_rate=8000'],
    ['model=flux-general-en'],
    ['detect_language='],
    [`tag=${'x'.repeat(129)}`],
    [`extra=key:${'x'.repeat(2048)}`],
  ])('refuses the query %s', async (query) => {
    const { status, body } = await post(emulator, `/v1/listen?${query}`, WAV);
    expect(status).toBe(400);
    expect(body).toMatchObject({
      err_code: 'Bad Request',
      err_msg: expect.stringMatching(/^Bad Request: /),
      request_id: expect.any(String),
    });
  });

  it('knows only the models that were given', async () => {
    await emulator.close();
    emulator = await startDeepgramEmulator({ models: ['nova-3'] });
    expect((await post(emulator, '/v1/listen?model=nova-3', WAV)).status).toBe(200);
    expect((await post(emulator, '/v1/listen', WAV)).status).toBe(400);
  });

  it('waits for processingMs', async () => {
    await emulator.close();
    emulator = await startDeepgramEmulator({ processingMs: 200 });
    const started = performance.now();
    await post(emulator, '/v1/listen', WAV);
    expect(performance.now() - started).toBeGreaterThanOrEqual(195);
  });

  it('answers 500 when the recognizer fails', async () => {
    await emulator.close();
    emulator = await startDeepgramEmulator({ recognizer: () => Promise.reject(new Error('deaf\nand mute')) });
    const { status, body } = await post(emulator, '/v1/listen', WAV);
    expect(status).toBe(500);
    expect(body.err_code).toBe('INTERNAL_SERVER_ERROR');
  });
});
