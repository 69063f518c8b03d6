import type { RecognizedWord } from '../recognizer.js';

/** A word as the API shows it. */
export interface ApiWord {
  word: string;
  start: number;
  end: number;
  confidence: number;
  punctuated_word?: string;
  language?: string;
  speaker?: number;
  speaker_confidence?: number;
}

export interface WordStyle {
  readonly punctuate: boolean;
  readonly diarize: 'v1' | 'v2' | undefined;
  /** With `multi` each word names its language. */
  readonly language: string | undefined;
}

/** Which ends of an utterance a list of words contains. */
export interface UtteranceEdges {
  readonly begins: boolean;
  readonly ends: boolean;
}

/** The value of `language` for audio in several languages. */
export const MULTILINGUAL = 'multi';

const WHOLE: UtteranceEdges = { begins: true, ends: true };

/** Words of one utterance: its first is capitalised and its last ends with a full stop where that is asked for. */
export function styleWords(
  words: readonly RecognizedWord[],
  style: WordStyle,
  edges: UtteranceEdges = WHOLE,
): ApiWord[] {
  return words.map((word, index) => ({
    word: word.word,
    start: roundTime(word.start),
    end: roundTime(word.end),
    confidence: word.confidence,
    ...(style.punctuate && {
      punctuated_word: punctuate(
        word.word,
        edges.begins && index === 0,
        edges.ends && index === words.length - 1,
      ),
    }),
    ...(style.diarize && { speaker: 0 }),
    ...(style.language === MULTILINGUAL && word.language !== undefined && { language: word.language }),
  }));
}

/** The words as one line of text. */
export function transcriptOf(words: readonly ApiWord[]): string {
  return words.map((word) => word.punctuated_word ?? word.word).join(' ');
}

/** The average, 0 without words. */
export function confidenceOf(words: readonly ApiWord[]): number {
  if (words.length === 0) return 0;
  return words.reduce((sum, word) => sum + word.confidence, 0) / words.length;
}

/** Splits words wherever a pause of `seconds` or more lies between two of them. */
export function splitAtPauses<Word extends { start: number; end: number }>(
  words: readonly Word[],
  seconds: number,
): Word[][] {
  const groups: Word[][] = [];
  let previous: Word | undefined;
  for (const word of words) {
    if (!previous || word.start - previous.end >= seconds) groups.push([]);
    groups.at(-1)?.push(word);
    previous = word;
  }
  return groups;
}

/** Takes the noise of binary fractions off a time in seconds. */
export function roundTime(seconds: number): number {
  return Math.round(seconds * 1e7) / 1e7;
}

function punctuate(word: string, first: boolean, last: boolean): string {
  const capitalised = first ? word.charAt(0).toUpperCase() + word.slice(1) : word;
  return last && /[\p{L}\p{N}]$/u.test(capitalised) ? `${capitalised}.` : capitalised;
}
