import type { RecognizedWord } from '../recognizer.js';
import { type CutRules, findCut, silenceAfter } from './cut.js';
import { SampleBuffer } from './sample-buffer.js';

/** What a channel reports. Times are seconds since the connection's first sample. */
export type ChannelEvent =
  | { readonly type: 'speech-started'; readonly at: number }
  | { readonly type: 'utterance-end'; readonly lastWordEnd: number }
  | {
      readonly type: 'segment';
      readonly start: number;
      readonly end: number;
      readonly words: readonly RecognizedWord[];
      readonly kind: 'interim' | 'final';
      readonly speechFinal: boolean;
      readonly fromFinalize: boolean;
      /** The first word is the first of its utterance. */
      readonly beginsUtterance: boolean;
    };

export interface ChannelRules extends CutRules {
  readonly sampleRate: number;
  /** Audio after an utterance's last word until its end is reported; undefined: never. */
  readonly utteranceEnd: number | undefined;
}

/** The last word of a final stays audible for the recognizer, from a little before it. */
const CONTEXT_MARGIN_SECONDS = 0.005;
/** Older context than this multiple of the longest segment is forgotten. */
const CONTEXT_FACTOR = 2;

/**
 * One channel of a live session: holds the audio that no final has covered, and turns what the
 * recognizer hears in it into events. Every sample belongs to exactly one final.
 *
 * The recognizer also hears the last word before, as context: audio that was lost in the pause between
 * two finals can be noticed only so. Words that begin and end in the context are not reported again.
 */
export class LiveChannel {
  readonly #rules: ChannelRules;
  readonly #report: (event: ChannelEvent) => void;
  /** Context and held audio. */
  readonly #audio = new SampleBuffer();
  /** Position of the first sample that no final has covered. */
  #segmentStart = 0;
  #speaking = false;
  /** End of the last word of an utterance that no final has ended yet. */
  #openUtteranceEnd: number | undefined;
  /** End of the last word in a final; undefined once its UtteranceEnd has been reported. */
  #lastWordEnd: number | undefined;

  constructor(rules: ChannelRules, report: (event: ChannelEvent) => void) {
    this.#rules = rules;
    this.#report = report;
  }

  append(samples: Int16Array): void {
    this.#audio.append(samples);
  }

  /** The audio to recognise next. */
  audible(): Int16Array {
    return this.#audio.held();
  }

  /** Takes what was recognised in `audible()`: reports finals as far as they are decided, then an interim. */
  settle(recognized: readonly RecognizedWord[]): void {
    const rest = this.#reportFinals(this.#newWords(recognized));
    this.#beforeWords(rest);
    if (rest.length > 0) this.#report(this.#segment('interim', rest, this.#audio.end, false, false));
  }

  /**
   * Takes what was recognised in `audible()` and reports all of it as final. The audio is over, so a
   * partial word is reported as it was heard: that its end is missing must show.
   */
  flush(recognized: readonly RecognizedWord[], fromFinalize: boolean): void {
    const rest = this.#reportFinals(this.#newWords(recognized));
    this.#beforeWords(rest);
    if (this.#audio.end === this.#segmentStart) return;
    this.#reportFinal(rest, this.#audio.end, true, fromFinalize);
    // What follows of a word that was reported in part must not bring the whole word a second time.
    if (rest.at(-1)?.partial) this.#audio.dropBefore(this.#audio.end);
  }

  #newWords(recognized: readonly RecognizedWord[]): readonly RecognizedWord[] {
    const offset = this.#seconds(this.#audio.start);
    const start = this.#seconds(this.#segmentStart);
    return recognized
      .map((word) => ({ ...word, start: word.start + offset, end: word.end + offset }))
      .filter((word) => (word.start + word.end) / 2 > start);
  }

  /** Returns the words that are still open. */
  #reportFinals(words: readonly RecognizedWord[]): readonly RecognizedWord[] {
    let rest = words;
    for (;;) {
      const start = this.#seconds(this.#segmentStart);
      const end = this.#seconds(this.#audio.end);
      const cut = findCut({ words: rest, start, end, openUtteranceEnd: this.#openUtteranceEnd }, this.#rules);
      const position = Math.min(this.#audio.end, Math.round((cut?.at ?? 0) * this.#rules.sampleRate));
      if (!cut || position <= this.#segmentStart) return rest;
      if (cut.wordCount > 0) this.#beforeWords(rest);
      this.#reportFinal(rest.slice(0, cut.wordCount), position, cut.speechFinal, false);
      rest = rest.slice(cut.wordCount);
    }
  }

  #beforeWords(words: readonly RecognizedWord[]): void {
    const [next] = words;
    const { utteranceEnd } = this.#rules;
    const lastWordEnd = this.#lastWordEnd;
    const received = { end: this.#seconds(this.#audio.end) };
    if (lastWordEnd !== undefined && utteranceEnd !== undefined) {
      if (silenceAfter(lastWordEnd, next, received) >= utteranceEnd) {
        this.#lastWordEnd = undefined;
        this.#speaking = false;
        this.#report({ type: 'utterance-end', lastWordEnd });
      }
    }
    if (next && !this.#speaking) {
      this.#speaking = true;
      this.#report({ type: 'speech-started', at: next.start });
    }
  }

  #reportFinal(
    words: readonly RecognizedWord[],
    endPosition: number,
    speechFinal: boolean,
    fromFinalize: boolean,
  ): void {
    const event = this.#segment('final', words, endPosition, speechFinal, fromFinalize);
    const lastWord = words.at(-1);
    this.#segmentStart = endPosition;
    this.#lastWordEnd = lastWord?.end ?? this.#lastWordEnd;
    this.#openUtteranceEnd = speechFinal ? undefined : (lastWord?.end ?? this.#openUtteranceEnd);
    if (speechFinal || !lastWord) this.#speaking = false;
    this.#forgetContext(lastWord);
    this.#report(event);
  }

  #forgetContext(lastWord: RecognizedWord | undefined): void {
    const { sampleRate, maxSegment } = this.#rules;
    const oldest = this.#segmentStart - Math.round(CONTEXT_FACTOR * maxSegment * sampleRate);
    const wanted = lastWord ? Math.round((lastWord.start - CONTEXT_MARGIN_SECONDS) * sampleRate) : 0;
    this.#audio.dropBefore(Math.max(oldest, Math.min(wanted, this.#segmentStart)));
  }

  #segment(
    kind: 'interim' | 'final',
    words: readonly RecognizedWord[],
    endPosition: number,
    speechFinal: boolean,
    fromFinalize: boolean,
  ): ChannelEvent {
    return {
      type: 'segment',
      kind,
      words,
      start: this.#seconds(this.#segmentStart),
      end: this.#seconds(endPosition),
      speechFinal,
      fromFinalize,
      beginsUtterance: this.#openUtteranceEnd === undefined,
    };
  }

  #seconds(position: number): number {
    return position / this.#rules.sampleRate;
  }
}
