import type { RecognizedWord } from '../recognizer.js';

/** Times are seconds since the connection's first sample. */
export interface HeldSpeech {
  readonly words: readonly RecognizedWord[];
  /** Start of the audio that no final has covered yet. */
  readonly start: number;
  /** End of the audio received. */
  readonly end: number;
  /** End of the last word in a final, while the pause that ends its utterance is still to come. */
  readonly openUtteranceEnd: number | undefined;
}

export interface CutRules {
  /** A pause this long after a word ends the utterance; undefined: never. */
  readonly endpointing: number | undefined;
  readonly maxSegment: number;
}

/** The next final: its words, and where the audio is cut behind them. */
export interface Cut {
  readonly wordCount: number;
  readonly at: number;
  readonly speechFinal: boolean;
}

/** A word is recognisable after this much of it. So the last bit of audio may hold the begin of a word. */
const RECOGNITION_DELAY_SECONDS = 0.13;
/** Half of the gap between two words stays with the first, but no more than this. */
const MAX_TAIL_SECONDS = 0.1;
/** The same where the next word is not known yet. */
const MAX_TAIL_TO_UNKNOWN_SECONDS = 0.02;
/** What remains behind the cut when nothing but silence was heard. */
const SILENT_REST_SECONDS = 1;
/** A word that never ends is cut at this multiple of the longest segment, so that memory stays bounded. */
const HARD_LIMIT_FACTOR = 4;
const SHORTEST_SEGMENT_SECONDS = 0.001;

/**
 * Decides where the held audio can be cut. undefined: not yet.
 *
 * Pauses are judged by the audio alone, not by when it is looked at, so the same audio gives the same
 * words however it was split into messages.
 */
export function findCut(held: HeldSpeech, rules: CutRules): Cut | undefined {
  const limit = held.start + rules.maxSegment;
  const { endpointing } = rules;
  if (endpointing !== undefined && held.openUtteranceEnd !== undefined) {
    // After a cut at the longest segment the utterance turns out to have been over: an empty final says so.
    const end = held.openUtteranceEnd;
    const at = Math.max(end + endpointing / 2, held.start + SHORTEST_SEGMENT_SECONDS);
    if (silenceAfter(end, held.words[0], held) >= endpointing) return { wordCount: 0, at, speechFinal: true };
  }
  for (const [index, word] of held.words.entries()) {
    if (word.partial) break;
    if (word.end > limit && index > 0) return cutAfter(held, index - 1);
    const silence = silenceAfter(word.end, held.words[index + 1], held);
    if (endpointing !== undefined && silence >= endpointing) {
      // In the middle of the pause: neither the word before nor the one behind is touched.
      return { wordCount: index + 1, at: word.end + endpointing / 2, speechFinal: true };
    }
  }
  return held.end >= limit ? cutLongSegment(held, rules) : undefined;
}

/** Silence that is certain between a word's end and the next word, or the end of the audio. */
export function silenceAfter(
  wordEnd: number,
  next: RecognizedWord | undefined,
  held: { readonly end: number },
): number {
  return (next?.start ?? held.end - RECOGNITION_DELAY_SECONDS) - wordEnd;
}

function cutLongSegment(held: HeldSpeech, rules: CutRules): Cut | undefined {
  const complete = held.words.filter((word) => !word.partial).length;
  if (complete > 0) return cutAfter(held, complete - 1);
  if (held.words.length === 0) {
    const at = held.start + Math.max(rules.maxSegment / 2, rules.maxSegment - SILENT_REST_SECONDS);
    return { wordCount: 0, at, speechFinal: false };
  }
  if (held.end - held.start < rules.maxSegment * HARD_LIMIT_FACTOR) return undefined;
  return { wordCount: held.words.length, at: held.end, speechFinal: false };
}

function cutAfter(held: HeldSpeech, index: number): Cut | undefined {
  const word = held.words[index];
  const next = held.words[index + 1];
  if (!word) return undefined;
  const gap = Math.max(0, (next?.start ?? held.end) - word.end);
  const tail = Math.min(gap / 2, next ? MAX_TAIL_SECONDS : MAX_TAIL_TO_UNKNOWN_SECONDS);
  return { wordCount: index + 1, at: word.end + tail, speechFinal: false };
}
