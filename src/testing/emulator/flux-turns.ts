import type { RecognizedWord } from '../recognizer.js';
import { silenceAfter } from './cut.js';
import type { FluxThresholds } from './flux-parameters.js';
import { SampleBuffer } from './sample-buffer.js';

export type TurnEventName = 'StartOfTurn' | 'Update' | 'EagerEndOfTurn' | 'TurnResumed' | 'EndOfTurn';

/** What Flux reports. Times are seconds since the connection's first sample. */
export interface TurnEvent {
  readonly name: TurnEventName;
  readonly turnIndex: number;
  readonly windowStart: number;
  readonly windowEnd: number;
  /** The whole turn so far. */
  readonly words: readonly RecognizedWord[];
  readonly endConfidence: number;
  /** Only with EndOfTurn. */
  readonly trigger?: TurnTrigger;
}

/** Why a turn ended: a pause that was sure enough, one that was long enough, or the client's ForceEndTurn. */
type TurnTrigger = 'model' | 'timeout' | 'manual';

/** A pause of so many seconds makes it certain that the turn is over; half of it makes it half as certain. */
const CERTAIN_PAUSE_SECONDS = 1;
/** So much audio is kept while nobody speaks: the begin of a word may not be recognisable yet. */
const SILENT_REST_SECONDS = 1;
/** Words of a long turn are heard again and again for so long; then they are settled. */
const SETTLE_SECONDS = 10;
const CONTEXT_MARGIN_SECONDS = 0.005;
/** The end of a word is found a little different in different looks. */
const SAME_PLACE_SECONDS = 0.05;

/**
 * Finds the turns in one channel of speech. A pause of s seconds gives the confidence s that the turn has ended, at
 * most 1. So with the default threshold of 0.7 a pause of 700 ms ends a turn, and with an eager threshold of 0.3 one of
 * 300 ms ends it eagerly. Pauses are measured in the audio alone.
 */
export class FluxTurns {
  readonly #sampleRate: number;
  readonly #report: (event: TurnEvent) => void;
  readonly #audio = new SampleBuffer();
  #thresholds: FluxThresholds;
  #turnIndex = 0;
  #windowStart = 0;
  #hasStarted = false;
  #settled: readonly RecognizedWord[] = [];
  /** End of the last word whose pause has been reported as an eager end. */
  #eagerAt = Number.NEGATIVE_INFINITY;
  #awaitsMore = false;

  constructor(sampleRate: number, thresholds: FluxThresholds, report: (event: TurnEvent) => void) {
    this.#sampleRate = sampleRate;
    this.#thresholds = thresholds;
    this.#report = report;
  }

  set thresholds(thresholds: FluxThresholds) {
    this.#thresholds = thresholds;
  }

  append(samples: Int16Array): void {
    this.#audio.append(samples);
  }

  /** The audio to recognise next. */
  audible(): Int16Array {
    return this.#audio.held();
  }

  /** Takes what was recognised in `audible()`. Reports at least one event. */
  settle(recognized: readonly RecognizedWord[]): void {
    const { words, hasReported } = this.#reportTurns(recognized);
    if (words.length > 0 && !this.#hasStarted) this.#reportStart(words);
    else if (!hasReported) this.#tell('Update', words, this.#silenceBehind(words.at(-1)));
    this.#forget(words);
  }

  /** Takes what was recognised in `audible()`, and ends the turn with it if there is one. */
  endTurn(recognized: readonly RecognizedWord[]): void {
    const { words } = this.#reportTurns(recognized);
    if (words.length === 0 && this.#settled.length === 0) return;
    this.#reportStart(words);
    this.#reportTurnEnd(words, this.#silenceBehind(words.at(-1)), this.#end, 'manual');
  }

  /** Reports all turns that end at a pause. Returns the words of the one that is open. */
  #reportTurns(recognized: readonly RecognizedWord[]): {
    words: readonly RecognizedWord[];
    hasReported: boolean;
  } {
    const offset = this.#audio.start / this.#sampleRate;
    let words = recognized.map((word) => ({ ...word, start: word.start + offset, end: word.end + offset }));
    let hasReported = false;
    for (;;) {
      const found = this.#reportPauses(words);
      hasReported ||= found.hasReported;
      if (found.endedAt === undefined) return { words, hasReported };
      words = words.slice(found.endedAt + 1);
    }
  }

  /** Reports the pauses in the words of one turn, up to its end if it has one. */
  #reportPauses(words: readonly RecognizedWord[]): { hasReported: boolean; endedAt?: number } {
    let hasReported = false;
    for (const [index, word] of words.entries()) {
      const upToHere = words.slice(0, index + 1);
      if (this.#awaitsMore && word.end > this.#eagerAt + SAME_PLACE_SECONDS) {
        this.#awaitsMore = false;
        hasReported = true;
        this.#tell('TurnResumed', upToHere, 0);
      }
      if (word.partial) break;
      const silence = silenceAfter(word.end, words[index + 1], { end: this.#end });
      if (this.#reportEager(upToHere, word, silence)) hasReported = true;
      if (this.#reportEnd(upToHere, word, silence)) return { hasReported: true, endedAt: index };
    }
    return { hasReported };
  }

  #reportEager(upToHere: readonly RecognizedWord[], word: RecognizedWord, silence: number): boolean {
    const { eager } = this.#thresholds;
    if (eager === undefined || silence < eager * CERTAIN_PAUSE_SECONDS) return false;
    if (word.end <= this.#eagerAt + SAME_PLACE_SECONDS) return false;
    this.#reportStart(upToHere);
    this.#eagerAt = word.end;
    this.#awaitsMore = true;
    this.#tell('EagerEndOfTurn', upToHere, silence);
    return true;
  }

  #reportEnd(upToHere: readonly RecognizedWord[], word: RecognizedWord, silence: number): boolean {
    const { end, timeoutMs } = this.#thresholds;
    // With a threshold of 1 no confidence is enough: only the timeout ends a turn.
    const pause = end < 1 ? end * CERTAIN_PAUSE_SECONDS : Number.POSITIVE_INFINITY;
    const needed = Math.min(pause, timeoutMs / 1000);
    if (silence < needed) return false;
    this.#reportStart(upToHere);
    this.#reportTurnEnd(upToHere, silence, word.end + needed, needed === pause ? 'model' : 'timeout');
    return true;
  }

  #reportTurnEnd(
    words: readonly RecognizedWord[],
    silence: number,
    windowEnd: number,
    trigger: TurnTrigger,
  ): void {
    this.#tell('EndOfTurn', words, silence, { windowEnd, trigger });
    this.#turnIndex += 1;
    this.#windowStart = windowEnd;
    this.#hasStarted = false;
    this.#awaitsMore = false;
    this.#settled = [];
    this.#audio.dropBefore(Math.round(windowEnd * this.#sampleRate));
  }

  #reportStart(words: readonly RecognizedWord[]): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this.#tell('StartOfTurn', words, 0);
  }

  #tell(
    name: TurnEventName,
    words: readonly RecognizedWord[],
    silence: number,
    ending: { readonly windowEnd?: number; readonly trigger?: TurnTrigger } = {},
  ): void {
    this.#report({
      name,
      turnIndex: this.#turnIndex,
      windowStart: this.#windowStart,
      windowEnd: this.#end,
      words: [...this.#settled, ...words],
      endConfidence: Math.min(1, Math.max(0, silence / CERTAIN_PAUSE_SECONDS)),
      ...ending,
    });
  }

  #silenceBehind(word: RecognizedWord | undefined): number {
    return word && !word.partial ? silenceAfter(word.end, undefined, { end: this.#end }) : 0;
  }

  /** Drops audio that can change nothing any more, so that a stream may last for days. */
  #forget(words: readonly RecognizedWord[]): void {
    if (words.length === 0 && this.#settled.length === 0) {
      this.#audio.dropBefore(Math.round((this.#end - SILENT_REST_SECONDS) * this.#sampleRate));
      return;
    }
    const old = words.filter((word) => word.end < this.#end - SETTLE_SECONDS);
    const last = old.at(-1);
    if (!last || old.length < 2) return;
    // The last one is heard on, so that the recognizer can check the pause behind it.
    this.#settled = [...this.#settled, ...old.slice(0, -1)];
    this.#audio.dropBefore(Math.round((last.start - CONTEXT_MARGIN_SECONDS) * this.#sampleRate));
  }

  get #end(): number {
    return this.#audio.end / this.#sampleRate;
  }
}
