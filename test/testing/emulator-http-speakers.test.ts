import {
  type DeepgramEmulator,
  startDeepgramEmulator,
  synthesizeConversation,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Body, post } from './emulator-http-client.js';

let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator();
});
afterEach(() => emulator.close());

/** The words of a channel with their speakers: `0:hello 1:you`. */
function spoken(body: Body, channel = 0): string | undefined {
  const words = body.results.channels[channel]?.alternatives[0]?.words;
  return words?.map(({ word, speaker }) => `${speaker}:${word}`).join(' ');
}

async function diarize(audio: Uint8Array, query = ''): Promise<Body> {
  return (await post(emulator, `/v1/listen?diarize_model=latest&utterances=true${query}`, audio)).body;
}

it('two speakers take turns at long pauses', async () => {
  const { audio } = synthesizeSpeech([
    { text: 'one two', pauseAfterSeconds: 1 },
    { text: 'three', pauseAfterSeconds: 2 },
    { text: 'four', pauseAfterSeconds: 2 },
    { text: 'five' },
  ]);
  expect(spoken(await diarize(audio))).toBe('0:one 0:two 0:three 1:four 0:five');
});

it('the loudest channel tells who speaks in a mix', async () => {
  const { audio } = synthesizeConversation([
    [{ text: '', pauseAfterSeconds: 2 }, 'second', { text: '', pauseAfterSeconds: 2 }],
    ['first'],
  ]);
  expect(spoken(await diarize(audio))).toBe('0:first 1:second');
});

it('an utterance and a paragraph have one speaker', async () => {
  const { audio } = synthesizeSpeech([{ text: 'one two', pauseAfterSeconds: 2 }, { text: 'three' }]);
  const body = await diarize(audio, '&utt_split=5&paragraphs=true');
  expect(body.results.utterances).toMatchObject([
    { speaker: 0, transcript: 'One two.' },
    { speaker: 1, transcript: 'Three.' },
  ]);
  expect(body.results.channels[0]?.alternatives[0]?.paragraphs?.paragraphs).toMatchObject([
    { speaker: 0, num_words: 2 },
    { speaker: 1, num_words: 1 },
  ]);
});

it('each channel of multichannel numbers its own speakers', async () => {
  const { audio } = synthesizeConversation([
    [{ text: 'left', pauseAfterSeconds: 2 }, 'other'],
    [{ text: '', pauseAfterSeconds: 1 }, 'right'],
  ]);
  const body = await diarize(audio, '&multichannel=true');
  expect([spoken(body, 0), spoken(body, 1)]).toEqual(['0:left 1:other', '0:right']);
});

it('without diarize nobody is numbered, and a detected language comes with its confidence', async () => {
  const { audio } = synthesizeSpeech('hello');
  const { body } = await post(emulator, '/v1/listen?utterances=true&detect_language=true', audio);
  expect(spoken(body)).toBe('undefined:hello');
  expect(body.results.utterances?.[0]).not.toHaveProperty('speaker');
  expect(body.results.channels[0]).toMatchObject({ detected_language: 'en', language_confidence: 1 });
});
