import { expect, test } from 'vitest';
import { mapLiveMessage } from '../../src/deepgram/map-live.js';
import { results } from '../support/fake-live-transport.js';

test('Results become a segment with its words', () => {
  const message = results('hello', { start: 1, channel: 1, channels: 2, speech_final: true });
  expect(mapLiveMessage(message, 3)).toEqual({
    kind: 'results',
    isFinal: true,
    speechFinal: true,
    fromFinalize: false,
    channels: 2,
    requestId: 'request-1',
    segment: {
      channel: 1,
      text: 'hello',
      start: 1,
      end: 1.4,
      confidence: 0.9,
      words: [{ word: 'hello', punctuatedWord: 'hello', start: 1, end: 1.3, confidence: 0.9, connection: 3 }],
    },
  });
});

test('words keep speaker and language; broken ones are left out', () => {
  const words = [
    { word: 'hola', start: 0, end: 1, confidence: 1, speaker: 2, language: 'es', punctuated_word: 'Hola.' },
    { word: 7, start: 0, end: 1 },
    null,
    { word: 'no time' },
  ];
  const message = results('hola', { channel: 0 });
  const mapped = mapLiveMessage(
    { ...message, channel: { alternatives: [{ transcript: 'hola', words }] } },
    0,
  );
  expect(mapped).toMatchObject({
    segment: {
      confidence: 0,
      words: [
        {
          word: 'hola',
          punctuatedWord: 'Hola.',
          start: 0,
          end: 1,
          confidence: 1,
          speaker: 2,
          language: 'es',
          connection: 0,
        },
      ],
    },
  });
  expect(mapped.kind === 'results' && mapped.segment.words).toHaveLength(1);
});

test('the other messages', () => {
  expect(mapLiveMessage({ type: 'SpeechStarted', channel: [1, 2], timestamp: 0.5 }, 0)).toEqual({
    kind: 'speech-start',
    channel: 1,
    at: 0.5,
  });
  expect(mapLiveMessage({ type: 'UtteranceEnd', channel: [0, 1], last_word_end: -1 }, 0)).toEqual({
    kind: 'utterance-end',
    channel: 0,
    lastWordEnd: -1,
  });
  expect(mapLiveMessage({ type: 'Metadata', duration: 2, channels: 2, request_id: 'r' }, 0)).toEqual({
    kind: 'metadata',
    durationSeconds: 2,
    channels: 2,
    requestId: 'r',
  });
  expect(mapLiveMessage({ type: 'Metadata' }, 0)).toEqual({ kind: 'metadata' });
  expect(mapLiveMessage({ type: 'Other' }, 0)).toEqual({ kind: 'unknown', type: 'Other' });
  expect(mapLiveMessage({}, 0)).toEqual({ kind: 'unknown', type: '(no type)' });
});

test.each([
  ['no channel', { channel_index: undefined }],
  ['a channel that is text', { channel_index: ['0', 1] }],
  ['a channel without bounds', { channel_index: [1e9, 1e9] }],
  ['a negative channel', { channel_index: [-1, 1] }],
  ['no alternatives', { channel: {} }],
  ['empty alternatives', { channel: { alternatives: [] } }],
  ['channel null', { channel: null }],
  ['a transcript that is no text', { channel: { alternatives: [{ transcript: 5, words: [] }] } }],
  ['a start that is no number', { start: 'soon' }],
  ['a duration that is no time', { duration: -1 }],
  ['a start that is not finite', { start: Number.NaN }],
])('Results with %s are a warning', (_name, fields) => {
  expect(mapLiveMessage({ ...results('hello'), ...fields }, 0)).toMatchObject({
    kind: 'warning',
    code: 'invalid_message',
  });
});
