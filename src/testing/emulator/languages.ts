import type { RecognizedWord, Recognizer } from '../recognizer.js';

/** Names the language of words for which the recognizer does not do it. */
export function withLanguage(recognizer: Recognizer, language: string): Recognizer {
  const name = (words: readonly RecognizedWord[]) => words.map((word) => ({ language, ...word }));
  return (audio, context) => {
    const words = recognizer(audio, context);
    // A recognizer that takes no time stays so.
    return words instanceof Promise ? words.then(name) : name(words);
  };
}

/** The languages of words, the most frequent first. */
export function languagesOf(words: readonly RecognizedWord[]): string[] {
  const counts = new Map<string, number>();
  for (const { language } of words) {
    if (language !== undefined) counts.set(language, (counts.get(language) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([language]) => language);
}

export interface DetectedLanguage {
  readonly language: string;
  /** The share of the words that are in it. */
  readonly confidence: number;
}

/** The most frequent language, or the most frequent of the candidates if there are any. undefined: without words. */
export function detectLanguage(
  words: readonly RecognizedWord[],
  candidates: readonly string[],
): DetectedLanguage | undefined {
  const heard = languagesOf(words);
  const language = candidates.length === 0 ? heard[0] : (heard.find(isCandidate) ?? candidates[0]);
  if (language === undefined || words.length === 0) return undefined;
  const spoken = words.filter((word) => word.language === language).length;
  return { language, confidence: spoken / words.length };

  function isCandidate(each: string): boolean {
    return candidates.includes(each);
  }
}
