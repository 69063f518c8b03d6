import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  closeStream,
  finals,
  openLive,
  results,
  sendFrames,
  textOf,
  transcript,
  wordsOf,
} from './emulator-client.js';

const RAW = { encoding: 'linear16', sample_rate: '16000' };
const TWO_UTTERANCES = synthesizeSpeech(
  [{ text: 'hello big world', pauseAfterSeconds: 1.5 }, { text: 'good bye now' }],
  { container: 'raw' },
);
const LONG_TEXT = Array.from({ length: 30 }, (_, index) => `word${index}`).join(' ');
const LONG = synthesizeSpeech(LONG_TEXT, { container: 'raw' });

let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator();
});
afterEach(() => emulator.close());

describe('live results', () => {
  it('come as growing interims and as finals that end at pauses', async () => {
    const client = await openLive(emulator, { ...RAW, interim_results: 'true' });
    sendFrames(client, TWO_UTTERANCES.audio);
    const messages = await closeStream(client);
    expect(finals(messages).map(transcript)).toEqual(['hello big world', 'good bye now']);
    expect(finals(messages).every((message) => message.speech_final)).toBe(true);
    const interims = results(messages)
      .filter((message) => !message.is_final)
      .map(transcript);
    expect(interims.length).toBeGreaterThan(3);
    for (const text of interims) expect('hello big world good bye now').toContain(text);
    expect(interims).toContain('hello big');
  });

  it('are finals only unless interim_results is true', async () => {
    const client = await openLive(emulator);
    sendFrames(client, TWO_UTTERANCES.audio);
    const messages = await closeStream(client);
    expect(results(messages).every((message) => message.is_final)).toBe(true);
    expect(textOf(results(messages))).toBe('hello big world good bye now');
  });

  it('never know more than the audio that was sent', async () => {
    const client = await openLive(emulator, { ...RAW, interim_results: 'true' });
    const firstWordEnd = TWO_UTTERANCES.words[0]?.end ?? 0;
    const bytes = Math.ceil(firstWordEnd * 50) * 640;
    sendFrames(client, TWO_UTTERANCES.audio.subarray(0, bytes));
    await vi.waitFor(() => expect(results(client.messages)).not.toHaveLength(0));
    expect(results(client.messages).some((message) => message.is_final)).toBe(false);
    for (const message of results(client.messages)) {
      expect((message.start ?? 0) + (message.duration ?? 0)).toBeLessThanOrEqual(bytes / 32_000);
    }
    await closeStream(client);
  });

  it('cover the audio without a gap, with word times that count from its beginning', async () => {
    const client = await openLive(emulator, { ...RAW, interim_results: 'true' });
    sendFrames(client, TWO_UTTERANCES.audio);
    const messages = await closeStream(client);
    let covered = 0;
    for (const final of finals(messages)) {
      expect(final.start).toBeCloseTo(covered, 6);
      covered = (final.start ?? 0) + (final.duration ?? 0);
    }
    expect(covered).toBeCloseTo(TWO_UTTERANCES.durationSeconds, 6);
    const words = wordsOf(finals(messages));
    for (const [index, spoken] of TWO_UTTERANCES.words.entries()) {
      expect(words[index]?.word).toBe(spoken.word);
      expect(words[index]?.start).toBeCloseTo(spoken.start, 2);
      expect(words[index]?.end).toBeCloseTo(spoken.end, 2);
    }
  });

  it('split a long utterance behind whole words, and only its last final is speech_final', async () => {
    const client = await openLive(emulator);
    sendFrames(client, LONG.audio);
    const messages = await closeStream(client);
    const parts = finals(messages);
    expect(textOf(parts)).toBe(LONG_TEXT);
    expect(parts.length).toBeGreaterThanOrEqual(Math.floor(LONG.durationSeconds / 5));
    expect(parts.map((part) => part.speech_final)).toEqual([...parts.slice(1).map(() => false), true]);
    for (const part of parts) expect(part.duration).toBeLessThan(5.2);
  });

  it('do not depend on how the audio was cut into messages', async () => {
    const texts: string[][] = [];
    for (const bytes of [100, 333, 640, 8000, 200_000]) {
      const client = await openLive(emulator);
      sendFrames(client, LONG.audio, bytes);
      texts.push(wordsOf(finals(await closeStream(client))).map(({ word }) => word));
    }
    for (const words of texts) expect(words.join(' ')).toBe(LONG_TEXT);
  });

  it('end utterances at the same places however often the audio is looked at', async () => {
    const speech = synthesizeSpeech(
      [
        { text: 'one two', pauseAfterSeconds: 0.25 },
        { text: 'three', pauseAfterSeconds: 0.35 },
        { text: 'four', pauseAfterSeconds: 0.28 },
        { text: 'five' },
      ],
      { container: 'raw' },
    );
    const seen = new Set<string>();
    for (const interimIntervalMs of [20, 130, 300, 2000]) {
      const other = await startDeepgramEmulator({ live: { interimIntervalMs } });
      const client = await openLive(other);
      sendFrames(client, speech.audio);
      const parts = finals(await closeStream(client));
      expect(parts.map(transcript)).toEqual(['one two three', 'four five']);
      seen.add(JSON.stringify(parts.map(({ start, duration }) => [start, duration])));
      await other.close();
    }
    expect(seen.size).toBe(1);
  });

  it('tell of the end of an utterance that a split had left open', async () => {
    const speech = synthesizeSpeech(
      [{ text: 'one two three four', pauseAfterSeconds: 3 }, { text: 'five' }],
      {
        container: 'raw',
      },
    );
    const lastEnd = speech.words[3]?.end ?? 0;
    await emulator.close();
    emulator = await startDeepgramEmulator({ live: { maxSegmentSeconds: lastEnd + 0.05 } });
    const client = await openLive(emulator);
    sendFrames(client, speech.audio);
    const parts = finals(await closeStream(client));
    expect(textOf(parts)).toBe('one two three four five');
    const end = parts.findIndex((part) => part.speech_final);
    expect(textOf(parts.slice(0, end + 1))).toBe('one two three four');
  });

  it('of silence are empty finals now and then', async () => {
    const client = await openLive(emulator, { ...RAW, interim_results: 'true' });
    sendFrames(client, new Uint8Array(32_000 * 14));
    const messages = await closeStream(client);
    expect(results(messages).length).toBeGreaterThanOrEqual(3);
    expect(results(messages).every((message) => message.is_final && transcript(message) === '')).toBe(true);
  });

  it('follow the endpointing parameter', async () => {
    const count = async (endpointing: string) => {
      const client = await openLive(emulator, { ...RAW, endpointing });
      sendFrames(client, TWO_UTTERANCES.audio);
      const messages = await closeStream(client);
      expect(textOf(finals(messages))).toBe('hello big world good bye now');
      return finals(messages).filter((message) => message.speech_final).length;
    };
    expect(await count('false')).toBe(1);
    expect(await count('2000')).toBe(1);
    expect(await count('300')).toBe(2);
    expect(await count('50')).toBeGreaterThanOrEqual(6);
  });

  it('are punctuated with smart_format, over the finals of one utterance', async () => {
    const client = await openLive(emulator, { ...RAW, smart_format: 'true' });
    sendFrames(client, TWO_UTTERANCES.audio);
    expect(finals(await closeStream(client)).map(transcript)).toEqual(['Hello big world.', 'Good bye now.']);

    const long = await openLive(emulator, { ...RAW, punctuate: 'true' });
    sendFrames(long, LONG.audio);
    const text = textOf(finals(await closeStream(long)));
    expect(text).toBe(`W${LONG_TEXT.slice(1)}.`);
  });

  it('keep their order and lose nothing with a recognizer that is slow', async () => {
    const { syntheticSpeechRecognizer } = await import('transcription-client/testing');
    let running = 0;
    await emulator.close();
    emulator = await startDeepgramEmulator({
      recognizer: async (audio, context) => {
        running += 1;
        expect(running).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 30));
        running -= 1;
        return syntheticSpeechRecognizer(audio, context);
      },
    });
    const client = await openLive(emulator, { ...RAW, interim_results: 'true' });
    sendFrames(client, LONG.audio);
    const parts = finals(await closeStream(client));
    expect(textOf(parts)).toBe(LONG_TEXT);
    expect(parts.map(({ start }) => start)).toEqual(
      parts.map(({ start }) => start).sort((a = 0, b = 0) => a - b),
    );
  });

  it('end with NET-0000 when the recognizer fails', async () => {
    await emulator.close();
    emulator = await startDeepgramEmulator({ recognizer: () => Promise.reject(new Error('deaf')) });
    const client = await openLive(emulator);
    sendFrames(client, TWO_UTTERANCES.audio);
    const { code, reason } = await client.closed;
    expect(code).toBe(1011);
    expect(reason).toMatch(/NET-0000/);
  });
});
