import {
  type DeepgramEmulator,
  startDeepgramEmulator,
  synthesizeConversation,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  closeStream,
  finals,
  framesOf,
  openLive,
  refusedLive,
  sendFrames,
  textOf,
} from './emulator-client.js';

const TEXT = 'hello big world';
const RAW = { encoding: 'linear16', sample_rate: '16000' };
const SPEECH = synthesizeSpeech(TEXT, { container: 'raw' });

let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator();
});
afterEach(() => emulator.close());

describe('live audio', () => {
  it('may be a WAV stream whose header comes in pieces', async () => {
    const wav = synthesizeSpeech(TEXT).audio;
    for (const bytes of [1, 7, 50]) {
      const client = await openLive(emulator, {});
      sendFrames(client, wav.subarray(0, 60), bytes);
      sendFrames(client, wav.subarray(60), 641);
      expect(textOf(finals(await closeStream(client)))).toBe(TEXT);
    }
  });

  it.each([0, 0xffffffff])('may be a WAV stream of unknown length (%i)', async (length) => {
    const wav = synthesizeSpeech(TEXT).audio.slice();
    new DataView(wav.buffer).setUint32(40, length, true);
    const client = await openLive(emulator, {});
    sendFrames(client, wav);
    expect(textOf(finals(await closeStream(client)))).toBe(TEXT);
  });

  it('may be at any sample rate', async () => {
    for (const sampleRate of [8000, 22_050, 48_000]) {
      const { audio } = synthesizeSpeech(TEXT, { sampleRate, container: 'raw' });
      const client = await openLive(emulator, { encoding: 'linear16', sample_rate: String(sampleRate) });
      sendFrames(client, audio, 999);
      expect(textOf(finals(await closeStream(client)))).toBe(TEXT);
    }
  });

  it('of several channels is recognised apart with multichannel', async () => {
    const speech = synthesizeConversation(['left words only', 'right words only'], { container: 'raw' });
    const client = await openLive(emulator, { ...RAW, channels: '2', multichannel: 'true' });
    sendFrames(client, speech.audio, 1280);
    const messages = await closeStream(client);
    expect(textOf(finals(messages, 0))).toBe('left words only');
    expect(textOf(finals(messages, 1))).toBe('right words only');
    expect(finals(messages, 1)[0]?.channel_index).toEqual([1, 2]);
    expect(messages.at(-1)).toMatchObject({ type: 'Metadata', channels: 2 });
  });

  it('of several channels is mixed down otherwise', async () => {
    const speech = synthesizeConversation(
      [
        [{ text: 'first words', pauseAfterSeconds: 3 }],
        [{ text: '', pauseAfterSeconds: 3 }, 'second', 'words'],
      ],
      { container: 'raw' },
    );
    const client = await openLive(emulator, { ...RAW, channels: '2' });
    sendFrames(client, speech.audio, 1280);
    const messages = await closeStream(client);
    expect(textOf(finals(messages))).toBe('first words second words');
    expect(finals(messages)[0]?.channel_index).toEqual([0, 1]);
  });

  it.each([
    ['an unknown container', new Uint8Array(1000).fill(7), 1000],
    ['a WAV file with 12-bit samples', withBits(12), 5000],
    ['a WAV file with 64-bit samples', withBits(64), 5000],
  ])('that is %s ends with 1008 DATA-0000', async (_name, bytes, chunk) => {
    const client = await openLive(emulator, {});
    sendFrames(client, bytes, chunk);
    const { code, reason } = await client.closed;
    expect(code).toBe(1008);
    expect(reason).toMatch(/DATA-0000/);
    expect(client.messages).toEqual([]);
  });

  it('that ends inside the header ends with 1008 DATA-0000', async () => {
    const client = await openLive(emulator, {});
    client.socket.send(synthesizeSpeech(TEXT).audio.subarray(0, 20));
    client.socket.send('{"type":"CloseStream"}');
    expect((await client.closed).code).toBe(1008);
  });
});

function withBits(bits: number): Uint8Array {
  const wav = synthesizeSpeech(TEXT).audio.slice();
  new DataView(wav.buffer).setUint16(34, bits, true);
  return wav;
}

describe('the live handshake', () => {
  it('passes with a header or with subprotocols, and names the request', async () => {
    const ways = [
      { headers: { authorization: 'Token my-secret' } },
      { headers: { authorization: 'bearer my-secret' } },
      { protocols: ['token', 'my-secret'] },
      { protocols: ['bearer', 'a.b.c'] },
    ];
    for (const way of ways) {
      const client = await openLive(emulator, RAW, way);
      expect(client.handshakeHeaders['dg-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      await closeStream(client);
    }
    expect(emulator.requests.map(({ status }) => status)).toEqual([101, 101, 101, 101]);
    expect(JSON.stringify(emulator.requests.map(({ headers }) => headers))).not.toMatch(/my-secret|a\.b\.c/);
  });

  it.each([
    ['no credentials', '/v1/listen', {}, 401],
    ['an empty key', '/v1/listen', { authorization: 'Token ' }, 401],
    ['another scheme', '/v1/listen', { authorization: 'Basic key' }, 401],
    ['encoding without sample_rate', '/v1/listen?encoding=linear16', undefined, 400],
    ['endpointing below 0', '/v1/listen?endpointing=-1', undefined, 400],
    ['a Flux model', '/v1/listen?model=flux-general-en', undefined, 400],
    ['an unknown encoding', '/v1/listen?encoding=opus&sample_rate=48000', undefined, 400],
    ['an invalid boolean', '/v1/listen?interim_results=yes', undefined, 400],
    ['a short utterance_end_ms', '/v1/listen?utterance_end_ms=500', undefined, 400],
    ['an invalid endpointing', '/v1/listen?endpointing=soon', undefined, 400],
    ['keywords with nova-3', '/v1/listen?model=nova-3&keywords=a', undefined, 400],
    ['another path', '/v1/other', undefined, 404],
  ])('is refused for %s', async (_name, path, headers, status) => {
    const refused = await refusedLive(emulator, path, headers);
    expect(refused.status).toBe(status);
    expect(refused.headers['dg-error']).toMatch(/\w/);
    expect(refused.headers['dg-request-id']).toBe(emulator.requests[0]?.requestId);
    expect(emulator.requests[0]?.status).toBe(status);
  });

  it('checks the keys that were given', async () => {
    await emulator.close();
    emulator = await startDeepgramEmulator({ apiKeys: ['right'] });
    expect((await refusedLive(emulator, '/v1/listen', { authorization: 'Token wrong' })).status).toBe(401);
    await closeStream(await openLive(emulator, RAW, { headers: { authorization: 'Token right' } }));
  });
});

describe('the live journal and the end of connections', () => {
  it('records audio, controls in order and the close code', async () => {
    const client = await openLive(emulator, { ...RAW, model: 'nova-3' });
    sendFrames(client, SPEECH.audio);
    client.socket.send('{"type":"KeepAlive"}');
    client.socket.send('{"type":"Finalize"}');
    await closeStream(client);
    await vi.waitFor(() => expect(emulator.requests[0]?.live?.closeCode).toBe(1000));
    expect(emulator.requests[0]).toMatchObject({
      method: 'GET',
      path: '/v1/listen',
      status: 101,
      bodyBytes: SPEECH.audio.byteLength,
      live: {
        audioMessages: framesOf(SPEECH.audio).length,
        controls: ['{"type":"KeepAlive"}', '{"type":"Finalize"}', '{"type":"CloseStream"}'],
      },
    });
    expect(emulator.requests[0]?.query.get('model')).toBe('nova-3');
    expect(emulator.requests[0]?.headers.authorization).toBe('Token ***');
  });

  it('survives clients that break off, also while the recognizer works', async () => {
    await emulator.close();
    const aborted: boolean[] = [];
    emulator = await startDeepgramEmulator({
      recognizer: (_audio, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(true);
            reject(new Error('aborted'));
          });
        }),
    });
    const client = await openLive(emulator);
    sendFrames(client, SPEECH.audio);
    await vi.waitFor(() => expect(emulator.requests[0]?.bodyBytes).toBe(SPEECH.audio.byteLength));
    client.socket.terminate();
    await vi.waitFor(() => expect(emulator.requests[0]?.live?.closeCode).toBe(1006));
    expect(aborted).toEqual([true]);
    await closeStream(await openLive(emulator));
  });

  it('close() ends streams, twice if need be', async () => {
    const client = await openLive(emulator);
    await Promise.all([emulator.close(), emulator.close()]);
    expect((await client.closed).code).toBe(1006);
  });
});
