import { describe, expect, it } from 'vitest';
import { wordErrorRate } from './word-error-rate.js';

describe('wordErrorRate', () => {
  it.each([
    ['equal texts', 'he was not', 'he was not', 0, 3],
    ['one word replaced', 'he was not', 'he is not', 1, 3],
    ['one word missing', 'he was not', 'he not', 1, 3],
    ['one word too many', 'he was not', 'he was not there', 1, 3],
    ['the first word missing', 'he was not', 'was not', 1, 3],
    ['all of it missing', 'he was not', '', 3, 3],
    ['two words swapped', 'one two three', 'two one three', 2, 3],
    ['more errors than words', 'yes', 'no no no', 3, 1],
    ['a shifted text', 'a b c d e', 'x a b c d e', 1, 5],
  ])('counts %s', (_, reference, hypothesis, errors, words) => {
    expect(wordErrorRate(reference, hypothesis)).toEqual({ errors, words, rate: errors / words });
  });

  it('ignores case, punctuation and space', () => {
    const { errors, words } = wordErrorRate('An ill-disposed man? Don’t!', "  an ILL disposed\nman, don't ");
    expect({ errors, words }).toEqual({ errors: 0, words: 5 });
  });

  it('keeps letters beyond ASCII', () => {
    expect(wordErrorRate('Zürich naïve', 'zürich naive').errors).toBe(1);
  });

  it('knows empty references', () => {
    expect(wordErrorRate('', '')).toEqual({ errors: 0, words: 0, rate: 0 });
    expect(wordErrorRate('', 'ghost')).toEqual({ errors: 1, words: 0, rate: Number.POSITIVE_INFINITY });
  });
});
