import { requirePause } from './format.js';
import { BROKEN_WORD } from './recognize.js';
import { MAX_WORD_BYTES } from './word-code.js';

/** Words that belong together, and the pause after them. */
export interface SpeechPhrase {
  /** Split at white space. May be empty: then the phrase is its pause only. */
  readonly text: string;
  /** 0.05 to 3600. Default: the format's `pauseSeconds`, and nothing after the last phrase. */
  readonly pauseAfterSeconds?: number;
}

/** What one channel says: a text that is split at white space, or a list of words and phrases. */
export type SpeechInput = string | readonly (string | SpeechPhrase)[];

export interface SpeechScript {
  readonly words: readonly { readonly word: string; readonly silenceBeforeSeconds: number }[];
  readonly silenceAfterSeconds: number;
}

interface Silences {
  readonly pauseSeconds: number;
  readonly leadSeconds: number;
  readonly trailSeconds: number;
}

/** Which words to say after how much silence. Throws a TypeError or RangeError for words that cannot be said. */
export function writeScript(input: SpeechInput, silences: Silences): SpeechScript {
  const words: { word: string; silenceBeforeSeconds: number }[] = [];
  let nextSilence = silences.leadSeconds;
  let extraSilence = 0;
  for (const { spoken, pauseAfterSeconds } of toPhrases(input)) {
    for (const word of spoken) {
      words.push({ word, silenceBeforeSeconds: nextSilence + extraSilence });
      nextSilence = silences.pauseSeconds;
      extraSilence = 0;
    }
    if (pauseAfterSeconds === undefined) continue;
    // A pause of its own replaces the default one behind a word, and lengthens any other silence.
    if (spoken.length > 0) nextSilence = 0;
    extraSilence += pauseAfterSeconds;
  }
  return { words, silenceAfterSeconds: extraSilence + trailingSilence(words.length, silences) };
}

/** Without a word, lead and trail follow each other. */
function trailingSilence(wordCount: number, { leadSeconds, trailSeconds }: Silences): number {
  return wordCount === 0 ? leadSeconds + trailSeconds : trailSeconds;
}

interface SpokenPhrase {
  readonly spoken: readonly string[];
  readonly pauseAfterSeconds?: number | undefined;
}

function toPhrases(input: SpeechInput): SpokenPhrase[] {
  if (typeof input === 'string') return [{ spoken: splitWords(input) }];
  if (!Array.isArray(input)) {
    throw new TypeError(`words: must be a string or a list of words and phrases, got ${typeof input}`);
  }
  return input.map((item: string | SpeechPhrase, index) => toPhrase(item, `words[${index}]`));
}

function toPhrase(item: string | SpeechPhrase, name: string): SpokenPhrase {
  if (typeof item === 'string') return { spoken: [checkWord(item, name)] };
  if (typeof item?.text !== 'string') {
    throw new TypeError(`${name}: must be a string or { text, pauseAfterSeconds }, got ${typeof item}`);
  }
  if (item.pauseAfterSeconds !== undefined) {
    requirePause(`${name}.pauseAfterSeconds`, item.pauseAfterSeconds);
  }
  return { spoken: splitWords(item.text, `${name}.text`), pauseAfterSeconds: item.pauseAfterSeconds };
}

function splitWords(text: string, name = 'words'): string[] {
  return text
    .split(/\s+/u)
    .filter((word) => word !== '')
    .map((word) => checkWord(word, name));
}

function checkWord(word: string, name: string): string {
  if (word === '' || /\s/u.test(word)) {
    throw new TypeError(`${name}: a word must hold letters and no white space, got ${JSON.stringify(word)}`);
  }
  if (word === BROKEN_WORD) {
    throw new TypeError(`${name}: ${word} is how the recognizer reports broken words, it cannot be said`);
  }
  const bytes = new TextEncoder().encode(word);
  if (bytes.length > MAX_WORD_BYTES) {
    throw new RangeError(
      `${name}: a word must be at most ${MAX_WORD_BYTES} bytes of UTF-8, got ${bytes.length} in ${word}`,
    );
  }
  if (new TextDecoder().decode(bytes) !== word) {
    throw new TypeError(`${name}: a word must be well-formed Unicode, got ${JSON.stringify(word)}`);
  }
  return word;
}
