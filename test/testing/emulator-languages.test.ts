import {
  type DeepgramEmulator,
  type RecognizedWord,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, expect, it } from 'vitest';
import { closeStream, finals, openLive, sendFrames } from './emulator-client.js';
import { openFlux, stream } from './emulator-flux-client.js';
import { post } from './emulator-http-client.js';

const WAV = synthesizeSpeech('hello').audio;
const RAW = { encoding: 'linear16', sample_rate: '16000' };

let emulator: DeepgramEmulator;
afterEach(() => emulator.close());

/** Hears one word a language, wherever there is a second of audio. */
function hears(...languages: (string | undefined)[]) {
  const words = languages.map((language, index): RecognizedWord => {
    const word = { word: `word${index}`, start: index / 10, end: index / 10 + 0.05, confidence: 1 };
    return language === undefined ? word : { ...word, language };
  });
  return () => words;
}

async function detected(query: string): Promise<unknown[]> {
  const { body } = await post(emulator, `/v1/listen?${query}`, WAV);
  const channel = body.results.channels[0] as { detected_language?: string; language_confidence?: number };
  return [channel.detected_language, channel.language_confidence];
}

it('is the one of most words, with their share', async () => {
  emulator = await startDeepgramEmulator({ recognizer: hears('de', 'fr', 'de', 'de') });
  expect(await detected('detect_language=true')).toEqual(['de', 0.75]);
  expect(await detected('')).toEqual([undefined, undefined]);
  expect(await detected('detect_language=false')).toEqual([undefined, undefined]);
});

it('is one of the candidates that the request names', async () => {
  emulator = await startDeepgramEmulator({ recognizer: hears('de', 'fr', 'de', 'de') });
  expect(await detected('detect_language=fr&detect_language=es')).toEqual(['fr', 0.25]);
  expect(await detected('detect_language=it')).toEqual(['it', 0]);
});

it('is what the option says where the recognizer says nothing', async () => {
  emulator = await startDeepgramEmulator({
    recognizer: hears(undefined, 'de', undefined),
    language: 'pt-BR',
  });
  expect(await detected('detect_language=true')).toEqual(['pt-BR', 2 / 3]);
  await emulator.close();
  emulator = await startDeepgramEmulator({ recognizer: async () => hears(undefined)() });
  expect(await detected('detect_language=true')).toEqual(['en', 1]);
  await expect(startDeepgramEmulator({ language: '' })).rejects.toThrow(/language/);
});

it('is not told where nothing was said', async () => {
  emulator = await startDeepgramEmulator({ recognizer: () => [] });
  expect(await detected('detect_language=true')).toEqual([undefined, undefined]);
});

it('is told for each word with language=multi', async () => {
  emulator = await startDeepgramEmulator({ recognizer: hears('de', 'fr', 'fr') });
  const recorded = await post(emulator, '/v1/listen?language=multi&model=nova-3', WAV);
  const expected = { languages: ['fr', 'de'], words: [{ language: 'de' }, { language: 'fr' }, {}] };
  expect(recorded.body.results.channels[0]?.alternatives[0]).toMatchObject(expected);
  const client = await openLive(emulator, { ...RAW, language: 'multi' });
  sendFrames(client, new Uint8Array(16_000));
  const [final] = finals(await closeStream(client));
  expect(final?.channel?.alternatives[0]).toMatchObject(expected);
  const plain = await post(emulator, '/v1/listen', WAV);
  expect(JSON.stringify(plain.body)).not.toContain('"language');
});

it('is told by the multilingual Flux model alone', async () => {
  emulator = await startDeepgramEmulator({ recognizer: hears('de', 'fr', 'fr') });
  const multi = await stream(
    await openFlux(emulator, { model: 'flux-general-multi' }),
    new Uint8Array(32_000),
  );
  expect(multi.find(({ event }) => event === 'StartOfTurn')?.languages).toEqual(['fr', 'de']);
  const english = await stream(await openFlux(emulator), new Uint8Array(32_000));
  expect(english.some(({ languages }) => languages)).toBe(false);
});

it('a diarizer is named where one ran', async () => {
  emulator = await startDeepgramEmulator();
  const info = async (query: string) =>
    (await post(emulator, `/v1/listen?${query}`, WAV)).body.metadata.diarize_info;
  expect(await info('')).toBeUndefined();
  expect(await info('diarize=true')).toMatchObject({ arch: 'v1', model_uuid: expect.stringMatching(/-/) });
  expect(await info('diarize_model=latest')).toMatchObject({ arch: 'v2' });
});
