import { expect, test } from 'vitest';
import { mapFluxMessage } from '../../src/deepgram/map-flux.js';

function turnInfo(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    type: 'TurnInfo',
    request_id: 'request-1',
    sequence_id: 3,
    event: 'Update',
    turn_index: 2,
    audio_window_start: 1,
    audio_window_end: 3,
    transcript: 'Hello, World!',
    words: [
      { word: 'Hello,', confidence: 0.9, start: 1.5, end: 1.9 },
      { word: 'World!', confidence: 0.7, start: 2, end: 2.5 },
    ],
    end_of_turn_confidence: 0.25,
    ...fields,
  };
}

const mapped = (fields: Record<string, unknown>) => mapFluxMessage(turnInfo(fields), 0);

test('TurnInfo becomes a turn with its words', () => {
  expect(mapFluxMessage(turnInfo(), 3)).toEqual({
    kind: 'turn',
    event: 'update',
    turnIndex: 2,
    endConfidence: 0.25,
    requestId: 'request-1',
    segment: {
      channel: 0,
      text: 'Hello, World!',
      start: 1,
      end: 3,
      confidence: expect.closeTo(0.8, 5),
      words: [
        { word: 'hello', punctuatedWord: 'Hello,', start: 1.5, end: 1.9, confidence: 0.9, connection: 3 },
        { word: 'world', punctuatedWord: 'World!', start: 2, end: 2.5, confidence: 0.7, connection: 3 },
      ],
    },
  });
});

test.each([
  ['StartOfTurn', 'start'],
  ['Update', 'update'],
  ['EagerEndOfTurn', 'eager-end'],
  ['TurnResumed', 'resume'],
  ['EndOfTurn', 'end'],
])('the event %s is %s', (event, expected) => {
  expect(mapped({ event })).toMatchObject({ kind: 'turn', event: expected });
});

test.each([
  ['50%', '50%'],
  ['“Well…”', 'well'],
  ['¿Qué?', 'qué'],
  ["'Em", "'em"],
  ['C#.', 'c#'],
  ['...', '...'],
  ['O.K.', 'o.k'],
])('the word %s is %s without the marks of its sentence', (word, plain) => {
  expect(mapped({ words: [{ word, confidence: 1, start: 1, end: 2 }] })).toMatchObject({
    segment: { words: [{ word: plain, punctuatedWord: word }] },
  });
});

test('words without times share the window, and what is no word is left out', () => {
  const words = [{ word: 'a' }, null, { word: 7 }, { word: '' }, 'b', { word: 'c', start: -1, end: 2 }];
  expect(mapped({ words })).toMatchObject({
    segment: {
      words: [
        { word: 'a', start: 1, end: 2, confidence: 0 },
        { word: 'c', start: 2, end: 3, confidence: 0 },
      ],
    },
  });
});

test('one language of a turn is that of its words; of several it is not known', () => {
  expect(mapped({ languages: ['es'] })).toMatchObject({
    segment: { words: [{ language: 'es' }, { language: 'es' }] },
  });
  for (const languages of [['es', 'en'], [], 'es', [5]]) {
    expect(JSON.stringify(mapped({ languages }))).not.toContain('"language"');
  }
});

test('the other messages', () => {
  expect(mapFluxMessage({ type: 'Connected', request_id: 'r', sequence_id: 0 }, 0)).toEqual({
    kind: 'connected',
    requestId: 'r',
  });
  expect(mapFluxMessage({ type: 'Connected' }, 0)).toEqual({ kind: 'connected' });
  expect(mapFluxMessage({ type: 'ConfigureSuccess' }, 0)).toEqual({ kind: 'configured', accepted: true });
  expect(mapFluxMessage({ type: 'ConfigureFailure' }, 0)).toEqual({ kind: 'configured', accepted: false });
  const error = { type: 'Error', code: 'RATE_LIMIT', description: 'see https://x.test/?token=secretsecret' };
  const failed = mapFluxMessage(error, 0);
  expect(failed).toMatchObject({ kind: 'failed', message: expect.stringContaining('RATE_LIMIT') });
  expect(JSON.stringify(failed)).not.toContain('secretsecret');
});

test.each([
  [{ audio_window_start: 'x' }],
  [{ audio_window_end: Number.NaN }],
  [{ audio_window_end: 0.5 }],
  [{ audio_window_start: -1 }],
  [{ transcript: null }],
  [{ turn_index: undefined }],
  [{ event: 5 }],
  [{ event: undefined }],
])('a TurnInfo with %j is a warning without its content', (fields) => {
  const warning = mapped(fields);
  expect(warning).toMatchObject({ kind: 'warning', code: 'invalid_message' });
  expect(JSON.stringify(warning)).not.toContain('Hello');
});

test('what this version does not know is let through by its name', () => {
  expect(mapped({ event: 'TurnPaused' })).toEqual({ kind: 'unknown', type: 'TurnInfo TurnPaused' });
  expect(mapFluxMessage({ type: 'Results' }, 0)).toEqual({ kind: 'unknown', type: 'Results' });
  expect(mapFluxMessage({}, 0)).toEqual({ kind: 'unknown', type: '(no type)' });
  expect(mapFluxMessage({ type: { a: 1 } }, 0)).toEqual({ kind: 'unknown', type: '(no type)' });
});

test('words and end_of_turn_confidence may be missing', () => {
  expect(mapped({ words: undefined, end_of_turn_confidence: undefined })).toMatchObject({
    kind: 'turn',
    endConfidence: 0,
    segment: { text: 'Hello, World!', words: [], confidence: 0 },
  });
});
