import { Readable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import type { DeepgramEmulator } from '../../src/testing/index.js';
import {
  encodeWav,
  startDeepgramEmulator,
  synthesizeConversation,
  synthesizeSpeech,
} from '../../src/testing/index.js';
import { chunksOf, collect, liveTo, RAW_16K, typesOf } from '../support/live.js';

const TEXT = 'every word of this sentence arrives once and in order';

let emulator: DeepgramEmulator | undefined;

afterEach(async () => {
  await emulator?.close();
});

function speech(text = TEXT) {
  return synthesizeSpeech(text, { container: 'raw', sampleRate: 16_000 });
}

test('frames sent as fast as possible give every word, once', async () => {
  emulator = await startDeepgramEmulator();
  const live = liveTo(emulator.url, { parameters: { interim_results: true } });
  const { audio, durationSeconds, words } = speech();
  for (const chunk of chunksOf(audio)) await live.send(chunk);
  const [transcript, events] = await Promise.all([live.finish(), collect(live)]);

  expect(transcript.text).toBe(TEXT);
  expect(transcript.channels[0]?.words.map(({ word }) => word)).toEqual(words.map(({ word }) => word));
  expect(transcript.durationSeconds).toBeCloseTo(durationSeconds, 1);
  expect(transcript).toMatchObject({ mode: 'stream', model: 'nova-3', region: 'test', paragraphs: [] });
  expect(transcript.requestId).toBe(emulator.requests[0]?.requestId);
  expect(transcript.requestIds).toEqual([transcript.requestId]);
  expect(transcript.utterances.map(({ text }) => text).join(' ')).toBe(TEXT);
  expect(transcript.channels[0]?.words.every(({ connection }) => connection === 0)).toBe(true);
  expect(events[0]).toEqual({ type: 'open', connection: 0, requestId: transcript.requestId });
  expect(events.at(-1)).toEqual({ type: 'end', transcript });
  expect(typesOf(events)).toContain('interim');
  expect(events.flatMap((event) => (event.type === 'final' ? event.text : [])).join(' ')).toBe(TEXT);
  expect(emulator.requests[0]?.live?.controls.map((text) => JSON.parse(text).type)).toEqual(['CloseStream']);
  expect(emulator.requests[0]?.bodyBytes).toBe(audio.length);
});

test('a piped Node stream gives every word and finishes by itself', async () => {
  emulator = await startDeepgramEmulator();
  const live = liveTo(emulator.url);
  const { audio, durationSeconds } = speech('piped from a file');
  const began = performance.now();
  await live.pipeFrom(Readable.from(chunksOf(audio, 10_000)));
  const transcript = await live.finish();

  expect(transcript.text).toBe('piped from a file');
  expect(performance.now() - began).toBeGreaterThan((durationSeconds / 1.25) * 1000 - 600);
});

test('a WAV file is piped without naming its format', async () => {
  emulator = await startDeepgramEmulator();
  const live = liveTo(emulator.url, { stream: {} });
  const { pcm } = speech('read from a header');
  const file = encodeWav(pcm, { sampleRate: 16_000, channels: 1 });
  await live.pipeFrom(new Blob([file as Uint8Array<ArrayBuffer>]).stream());
  expect((await live.finish()).text).toBe('read from a header');
  expect(live.stats().sentSeconds).toBeCloseTo((file.length - 44) / 32_000, 5);
});

test('channels are transcribed apart and joined in order', async () => {
  emulator = await startDeepgramEmulator();
  const stream = { ...RAW_16K, channels: 2 };
  const live = liveTo(emulator.url, { stream, parameters: { multichannel: true } });
  const { audio } = synthesizeConversation(['how are you', 'fine thanks'], {
    container: 'raw',
    sampleRate: 16_000,
  });
  for (const chunk of chunksOf(audio, 1280)) await live.send(chunk);
  const transcript = await live.finish();
  expect(transcript.channels.map(({ text }) => text)).toEqual(['how are you', 'fine thanks']);
  expect(transcript.text).toBe('how are you\nfine thanks');
});

test('finalize settles with the results that answer it', async () => {
  emulator = await startDeepgramEmulator({ live: { endpointingMs: 5000 } });
  const live = liveTo(emulator.url);
  const finals: string[] = [];
  live.on('final', ({ text, fromFinalize }) => finals.push(`${fromFinalize} ${text}`));
  for (const chunk of chunksOf(speech('so far so good').audio)) await live.send(chunk);
  const began = performance.now();
  await live.finalize();
  expect(performance.now() - began).toBeLessThan(4000);
  expect(finals).toEqual(['true so far so good']);
  await live.finish();
});

test('a session that is opened and dropped leaves nothing behind', async () => {
  emulator = await startDeepgramEmulator();
  const live = liveTo(emulator.url);
  await live.opened;
  await live.send(speech().audio.subarray(0, 6400));
  live.abort(new Error('no longer needed'));
  await expect(live.finish()).rejects.toMatchObject({ name: 'AbortedError', code: 'aborted' });
  const { requests } = emulator;
  await expect.poll(() => requests[0]?.live?.closeCode, { timeout: 8000 }).toBe(1000);
});

test('Web streams carry audio in and events out', async () => {
  emulator = await startDeepgramEmulator();
  const live = liveTo(emulator.url);
  const reading = collect(live.readable as unknown as AsyncIterable<never>);
  await new Blob([speech('through web streams').audio as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeTo(live.writable as WritableStream<Uint8Array>);
  const events = await reading;
  expect((await live.finish()).text).toBe('through web streams');
  expect(events.at(-1)).toMatchObject({ type: 'end', transcript: { text: 'through web streams' } });
});
