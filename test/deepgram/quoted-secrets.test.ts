import { expect, test } from 'vitest';
import { connectionClosed, errorFromClose } from '../../src/deepgram/live-errors.js';
import { messageWithoutSecrets, withoutSecrets } from '../../src/deepgram/quoted-secrets.js';

const SECRET = 'CANARY0123456789';

test.each([
  [`a ${SECRET} b ${SECRET}`, 'a *** b ***'],
  [`cut ${SECRET.slice(0, 8)}`, 'cut ***'],
  [`cut ${SECRET.slice(0, -1)}`, 'cut ***'],
  ['too short CANARY0', 'too short CANARY0'],
  ['CANARY01 is no end', 'CANARY01 is no end'],
  ['', ''],
])('%j', (text, expected) => {
  expect(withoutSecrets(text, [SECRET])).toBe(expected);
});

test('an empty secret is none, and there may be several', () => {
  expect(withoutSecrets('as it is', [''])).toBe('as it is');
  expect(withoutSecrets('one-secret two-secret', ['one-secret', 'two-secret'])).toBe('*** ***');
  expect(withoutSecrets('as it is')).toBe('as it is');
});

test('what was said stays, whatever the secret is', () => {
  const spoken = { type: 'Results', channel: { alternatives: [{ transcript: SECRET }] } };
  expect(messageWithoutSecrets(spoken, [SECRET])).toBe(spoken);
  const turn = { type: 'TurnInfo', event: 'EndOfTurn', transcript: SECRET };
  expect(messageWithoutSecrets(turn, [SECRET])).toBe(turn);
});

test('a secret that is part of a known name does not hide it', () => {
  for (const message of [{ type: 'Results' }, { type: 'TurnInfo', event: 'Update' }, { type: 'Error' }]) {
    expect(messageWithoutSecrets(message, ['Results', 'T', 'Update', 'r'])).toEqual(message);
  }
});

test('values that are no text stay as they are', () => {
  const message = { type: 'Error', code: 7, description: null, details: [SECRET] };
  expect(messageWithoutSecrets(message, [SECRET])).toEqual(message);
  expect(messageWithoutSecrets({ type: 7 }, [SECRET])).toEqual({ type: 7 });
  expect(messageWithoutSecrets({}, [SECRET])).toEqual({});
});

test.each([1008, 1011, 1006, 4000])('the error of a close with %i has none', (code) => {
  const facts = { region: 'here', secrets: [SECRET] };
  const close = { code, reason: `Token ${SECRET} is bad` };
  for (const error of [errorFromClose(close, facts), connectionClosed(close, facts)]) {
    expect(error?.message).toContain('Token *** is bad');
  }
});
