import { afterEach, expect, it } from 'vitest';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from '../../src/testing/index.js';
import { clientOf } from '../support/client.js';
import { freePort } from '../support/free-port.mjs';
import { chunksOf, collect, RAW_16K, typesOf } from '../support/live.js';

const SPEECH = synthesizeSpeech(
  [
    { text: 'the first turn', pauseAfterSeconds: 1.2 },
    { text: 'and the last', pauseAfterSeconds: 0.1 },
  ],
  { container: 'raw', sampleRate: 16_000 },
);

const emulators: DeepgramEmulator[] = [];

afterEach(async () => {
  await Promise.all(emulators.splice(0).map((emulator) => emulator.close()));
});

async function startEmulator(): Promise<DeepgramEmulator> {
  const emulator = await startDeepgramEmulator();
  emulators.push(emulator);
  return emulator;
}

it('a Flux model goes to /v2/listen by itself, and its turns become the transcript', async () => {
  const emulator = await startEmulator();
  const client = clientOf(emulator.url, { defaults: { smart_format: true } });
  const live = client.stream({ model: 'flux-general-en', ...RAW_16K, eot_threshold: 0.6 });
  const collected = collect(live);
  for (const chunk of chunksOf(SPEECH.audio, 2560)) await live.send(chunk);
  const transcript = await live.finish();
  const events = await collected;
  await client.close();
  expect(transcript.text).toBe('the first turn and the last');
  expect(transcript.channels[0]?.words.map(({ word }) => word)).toEqual(SPEECH.words.map(({ word }) => word));
  expect(transcript.utterances.map(({ text }) => text)).toEqual(['the first turn', 'and the last']);
  expect(typesOf(events).filter((type) => /^(turn|final|end|warning)/.test(type))).toEqual([
    'turn-start',
    'final',
    'turn-end',
    'turn-start',
    'final',
    'turn-end',
    'end',
  ]);
  const request = emulator.requests.at(-1);
  expect(request?.path).toBe('/v2/listen');
  expect(Object.fromEntries(request?.query ?? [])).toEqual({
    model: 'flux-general-en',
    encoding: 'linear16',
    sample_rate: '16000',
    eot_threshold: '0.6',
  });
  expect(request?.live?.controls).toEqual(['{"type":"CloseStream"}']);
});

it.each(['nova-3', 'flux-general-en'])(
  '%s: a region that is down is replaced by one of its residency, and by no other',
  async (model) => {
    const [abroad, home] = [await startEmulator(), await startEmulator()];
    const down = `http://127.0.0.1:${await freePort()}`;
    const client = clientOf(down, {
      regions: [
        { name: 'down', endpoint: down, residency: 'eu' },
        { name: 'abroad', endpoint: abroad.url, residency: 'us' },
        { name: 'anywhere', endpoint: abroad.url },
        { name: 'home', endpoint: home.url, residency: 'eu' },
      ],
    });
    const live = client.stream({ model, ...RAW_16K, reconnect: { maxDelayMs: 20 } });
    for (const chunk of chunksOf(SPEECH.audio, 2560)) await live.send(chunk);
    expect((await live.finish()).text).toBe('the first turn and the last');
    await client.close();
    expect([abroad.requests.length, home.requests.length]).toEqual([0, 1]);
  },
);

it('a region without a residency is not replaced', async () => {
  const other = await startEmulator();
  const down = `http://127.0.0.1:${await freePort()}`;
  const client = clientOf(down, {
    regions: [
      { name: 'down', endpoint: down },
      { name: 'other', endpoint: other.url },
    ],
  });
  const live = client.stream({ ...RAW_16K, reconnect: { giveUpAfterMs: 300, maxDelayMs: 20 } });
  await live.send(SPEECH.audio);
  await expect(live.finish()).rejects.toMatchObject({ code: 'network', region: 'down' });
  await client.close();
  expect(other.requests).toHaveLength(0);
});
