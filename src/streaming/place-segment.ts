import type { LiveSegment } from '../contracts/index.js';
import { textOf } from './timeline.js';

/** Without the words that lie before that second; a word lies where its middle is. */
export function withoutBefore(segment: LiveSegment, seconds: number): LiveSegment {
  const start = Math.max(segment.start, seconds);
  if (start === segment.start) return segment;
  const cut = { ...segment, start, end: Math.max(segment.end, start) };
  if (segment.words.length === 0) {
    // Only the text is there: it is left out where its middle is before.
    return { ...cut, text: (segment.start + segment.end) / 2 < seconds ? '' : segment.text };
  }
  const words = segment.words.filter((word) => (word.start + word.end) / 2 >= seconds);
  if (words.length === segment.words.length) return cut;
  return { ...cut, words, text: words.map(textOf).join(' ') };
}

/** Flux counts the silence before a turn in. */
export function fromFirstWord(segment: LiveSegment): LiveSegment {
  return { ...segment, start: segment.words[0]?.start ?? segment.start };
}

export function isSilent({ text }: LiveSegment): boolean {
  return text.trim() === '';
}

/** Where its last word ends. */
export function wordsEnd({ words, end }: LiveSegment): number {
  return words.at(-1)?.end ?? end;
}
