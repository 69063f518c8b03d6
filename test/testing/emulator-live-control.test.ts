import { createHash } from 'node:crypto';
import {
  type DeepgramEmulator,
  startDeepgramEmulator,
  synthesizeConversation,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { closeStream, finals, openLive, sendFrames, textOf, wordsOf } from './emulator-client.js';

const RAW = { encoding: 'linear16', sample_rate: '16000' };
const TWO_UTTERANCES = synthesizeSpeech(
  [{ text: 'hello big world', pauseAfterSeconds: 1.5 }, { text: 'good bye now' }],
  { container: 'raw' },
);

let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator();
});
afterEach(() => emulator.close());

describe('live events', () => {
  it('SpeechStarted comes before the first result of each utterance with vad_events', async () => {
    const client = await openLive(emulator, { ...RAW, vad_events: 'true', interim_results: 'true' });
    sendFrames(client, TWO_UTTERANCES.audio);
    const messages = await closeStream(client);
    const started = messages.filter((message) => message.type === 'SpeechStarted');
    expect(started).toHaveLength(2);
    expect(started[0]?.timestamp).toBeCloseTo(TWO_UTTERANCES.words[0]?.start ?? 0, 2);
    expect(started[1]?.timestamp).toBeCloseTo(TWO_UTTERANCES.words[3]?.start ?? 0, 2);
    expect(messages[0]?.type).toBe('SpeechStarted');
  });

  it('UtteranceEnd comes after the gap, once, with the end of the last word', async () => {
    const client = await openLive(emulator, { ...RAW, interim_results: 'true', utterance_end_ms: '1000' });
    sendFrames(client, TWO_UTTERANCES.audio);
    const messages = await closeStream(client);
    const ends = messages.filter((message) => message.type === 'UtteranceEnd');
    expect(ends).toHaveLength(1);
    expect(ends[0]?.last_word_end).toBeCloseTo(TWO_UTTERANCES.words[2]?.end ?? 0, 2);
    const types = messages.map((message) => (message.is_final ? 'final' : message.type));
    expect(types.indexOf('UtteranceEnd')).toBeGreaterThan(types.indexOf('final'));
    expect(types.indexOf('UtteranceEnd')).toBeLessThan(types.lastIndexOf('final'));
  });

  it('UtteranceEnd does not come for a shorter gap nor without interim results', async () => {
    for (const query of [
      { ...RAW, interim_results: 'true', utterance_end_ms: '2000' },
      { ...RAW, utterance_end_ms: '1000' },
    ]) {
      const client = await openLive(emulator, query);
      sendFrames(client, TWO_UTTERANCES.audio);
      const messages = await closeStream(client);
      expect(messages.some((message) => message.type === 'UtteranceEnd')).toBe(false);
    }
  });

  it('Metadata describes the audio that was received', async () => {
    const client = await openLive(emulator, { ...RAW, extra: 'key:value' });
    sendFrames(client, TWO_UTTERANCES.audio);
    const metadata = (await closeStream(client)).at(-1);
    expect(metadata).toMatchObject({
      type: 'Metadata',
      duration: TWO_UTTERANCES.durationSeconds,
      channels: 1,
      sha256: createHash('sha256').update(TWO_UTTERANCES.audio).digest('hex'),
      request_id: client.handshakeHeaders['dg-request-id'],
      extra: { key: 'value' },
    });
  });
});

describe('live control messages', () => {
  const half = TWO_UTTERANCES.audio.subarray(0, 640 * 40);
  const rest = TWO_UTTERANCES.audio.subarray(640 * 40);

  it('Finalize flushes what is held at that place of the stream', async () => {
    const client = await openLive(emulator);
    const upToPause = Math.ceil((TWO_UTTERANCES.words[2]?.end ?? 0) * 50 + 2) * 640;
    sendFrames(client, TWO_UTTERANCES.audio.subarray(0, upToPause));
    client.socket.send('{"type":"Finalize"}');
    await vi.waitFor(() => expect(finals(client.messages)).toHaveLength(1));
    expect(finals(client.messages)[0]).toMatchObject({ from_finalize: true, duration: upToPause / 32_000 });
    expect(textOf(finals(client.messages))).toBe('hello big world');
    sendFrames(client, TWO_UTTERANCES.audio.subarray(upToPause));
    const parts = finals(await closeStream(client));
    expect(textOf(parts)).toBe('hello big world good bye now');
    expect(parts.slice(1).some((part) => part.from_finalize)).toBe(false);
  });

  it('Finalize inside a word breaks that word and no other', async () => {
    const client = await openLive(emulator);
    const inside = Math.floor(((TWO_UTTERANCES.words[1]?.end ?? 0) - 0.03) * 50) * 640;
    sendFrames(client, TWO_UTTERANCES.audio.subarray(0, inside));
    client.socket.send('{"type":"Finalize"}');
    sendFrames(client, TWO_UTTERANCES.audio.subarray(inside));
    const words = wordsOf(finals(await closeStream(client))).map(({ word }) => word);
    expect(words.filter((word) => word === 'big')).toHaveLength(1);
    expect(words).toContain('⟨broken⟩');
    expect(words.slice(-4)).toEqual(['world', 'good', 'bye', 'now']);
  });

  it('Finalize before any audio, or with nothing held, is not answered', async () => {
    const client = await openLive(emulator);
    client.socket.send('{"type":"Finalize"}');
    sendFrames(client, TWO_UTTERANCES.audio);
    client.socket.send('{"type":"Finalize"}');
    client.socket.send('{"type":"Finalize"}');
    const parts = finals(await closeStream(client));
    expect(parts.filter((part) => part.from_finalize)).toHaveLength(1);
  });

  it('Finalize of one channel leaves the others', async () => {
    const speech = synthesizeConversation(['left side here', 'right side here'], { container: 'raw' });
    const client = await openLive(emulator, {
      ...RAW,
      channels: '2',
      multichannel: 'true',
      endpointing: 'false',
    });
    sendFrames(client, speech.audio, 1280);
    client.socket.send('{"type":"Finalize","channel":1}');
    const messages = await closeStream(client);
    expect(finals(messages, 0).map((part) => part.from_finalize)).toEqual([false]);
    expect(finals(messages, 1).map((part) => part.from_finalize)).toEqual([true]);
  });

  it('CloseStream shows a word that the stream cut off', async () => {
    const client = await openLive(emulator);
    const inside = Math.floor(((TWO_UTTERANCES.words[2]?.end ?? 0) - 0.1) * 50) * 640;
    sendFrames(client, TWO_UTTERANCES.audio.subarray(0, inside));
    const words = wordsOf(finals(await closeStream(client))).map(({ word }) => word);
    expect(words.slice(0, 2)).toEqual(['hello', 'big']);
    expect(words).toHaveLength(3);
    expect('world'.startsWith(words[2] ?? '-')).toBe(true);
    expect(words[2]).not.toBe('world');
  });

  it('an empty binary message closes the stream as CloseStream does', async () => {
    const client = await openLive(emulator);
    sendFrames(client, TWO_UTTERANCES.audio);
    client.socket.send(new Uint8Array(0));
    expect(await client.closed).toEqual({ code: 1000, reason: '' });
    expect(client.messages.at(-1)?.type).toBe('Metadata');
    expect(textOf(finals(client.messages))).toBe('hello big world good bye now');
  });

  it('CloseStream without audio is answered with Metadata alone, and nothing is sent before', async () => {
    const client = await openLive(emulator);
    client.socket.send('{"type":"KeepAlive"}');
    const messages = await closeStream(client);
    expect(messages.map(({ type }) => type)).toEqual(['Metadata']);
  });

  it('audio after CloseStream is ignored', async () => {
    const client = await openLive(emulator);
    sendFrames(client, half);
    client.socket.send('{"type":"CloseStream"}');
    sendFrames(client, rest);
    await client.closed;
    expect(emulator.requests[0]?.bodyBytes).toBe(half.byteLength);
  });

  it.each(['no json', '[]', 'null', '{"type":"Nonsense"}', '{}'])(
    'the text %s is an Error and 1008',
    async (text) => {
      const client = await openLive(emulator);
      client.socket.send(text);
      expect((await client.closed).code).toBe(1008);
      expect(client.messages).toMatchObject([{ type: 'Error', variant: 'UnparsableClientMessage' }]);
    },
  );
});

describe('idle streams', () => {
  beforeEach(async () => {
    await emulator.close();
    emulator = await startDeepgramEmulator({ live: { idleTimeoutMs: 300 } });
  });

  it('are closed with NET-0001 without audio', async () => {
    const client = await openLive(emulator);
    const { code, reason } = await client.closed;
    expect(code).toBe(1011);
    expect(reason).toMatch(/NET-0001: no audio.*before the first audio KeepAlive does not count/);
  });

  it('are not saved by KeepAlive alone, but by KeepAlive after audio', async () => {
    const opened = performance.now();
    const unfed = await openLive(emulator);
    const fed = await openLive(emulator);
    fed.socket.send(new Uint8Array(640));
    const timer = setInterval(() => {
      for (const { socket } of [unfed, fed])
        if (socket.readyState === socket.OPEN) socket.send('{"type":"KeepAlive"}');
    }, 50);
    try {
      expect((await unfed.closed).code).toBe(1011);
      await vi.waitFor(() => expect(performance.now() - opened).toBeGreaterThan(900), { timeout: 3000 });
      expect(fed.socket.readyState).toBe(fed.socket.OPEN);
    } finally {
      clearInterval(timer);
    }
    expect((await fed.closed).code).toBe(1011);
  });
});
