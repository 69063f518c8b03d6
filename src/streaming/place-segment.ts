import type { LiveSegment } from '../contracts/index.js';
import { withoutFinal } from './timeline.js';

/** Without the words that lie before that second; a word lies where its middle is. */
export function withoutBefore(segment: LiveSegment, seconds: number): LiveSegment {
  return segment.start >= seconds ? segment : withoutFinal(segment, seconds);
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
