import { DeepgramClient } from '@deepgram/sdk';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { framesOf } from './emulator-client.js';

const TEXT = 'the sdk works here';
let emulator: DeepgramEmulator;
let client: DeepgramClient;

beforeAll(async () => {
  emulator = await startDeepgramEmulator({ apiKeys: ['sdk-key'] });
  client = clientFor('sdk-key');
});
afterAll(() => emulator.close());

function clientFor(apiKey: string): DeepgramClient {
  const { url, wsUrl } = emulator;
  return new DeepgramClient({
    apiKey,
    environment: { base: url, production: wsUrl, agent: wsUrl, agentRest: url },
    maxRetries: 0,
  });
}

describe('the official SDK', () => {
  it('transcribes a URL', async () => {
    const url = emulator.serveAudio(synthesizeSpeech(TEXT).audio);
    const answer = await client.listen.v1.media.transcribeUrl({ url, model: 'nova-3', smart_format: true });
    if (!('results' in answer)) throw new Error('no results');
    expect(answer.results.channels[0]?.alternatives?.[0]?.transcript).toBe('The sdk works here.');
  });

  it('transcribes a file', async () => {
    const audio = Buffer.from(synthesizeSpeech(TEXT).audio);
    const answer = await client.listen.v1.media.transcribeFile(audio, { model: 'nova-3' });
    if (!('results' in answer)) throw new Error('no results');
    expect(answer.results.channels[0]?.alternatives?.[0]?.transcript).toBe(TEXT);
  });

  it('rejects with the status of an error', async () => {
    const refused = clientFor('wrong').listen.v1.media.transcribeUrl({ url: 'http://127.0.0.1/' });
    await expect(refused).rejects.toMatchObject({ statusCode: 401, body: { err_code: 'INVALID_AUTH' } });
  });

  it('gets a token', async () => {
    const granted = await client.auth.v1.tokens.grant({ ttl_seconds: 60 });
    expect(granted.expires_in).toBe(60);
    const byToken = new DeepgramClient({
      accessToken: granted.access_token,
      environment: {
        base: emulator.url,
        production: emulator.wsUrl,
        agent: emulator.wsUrl,
        agentRest: emulator.url,
      },
    });
    const audio = Buffer.from(synthesizeSpeech(TEXT).audio);
    await expect(byToken.listen.v1.media.transcribeFile(audio, {})).resolves.toHaveProperty('results');
  });

  it('streams live', async () => {
    const socket = await client.listen.v1.connect({
      model: 'nova-3',
      encoding: 'linear16',
      sample_rate: 16_000,
      interim_results: 'true',
      reconnectAttempts: 0,
    });
    const texts: string[] = [];
    const types = new Set<string>();
    socket.on('message', (message) => {
      types.add(message.type);
      if (message.type !== 'Results' || !message.is_final) return;
      texts.push(message.channel.alternatives[0]?.transcript ?? '');
    });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.connect();
    await socket.waitForOpen();
    const { audio } = synthesizeSpeech([{ text: TEXT, pauseAfterSeconds: 1 }, { text: 'and again' }], {
      container: 'raw',
    });
    for (const frame of framesOf(audio)) socket.sendMedia(frame);
    socket.sendCloseStream({ type: 'CloseStream' });
    await closed;
    expect(texts).toEqual([TEXT, 'and again']);
    expect([...types].sort()).toEqual(['Metadata', 'Results']);
  });
});
