import type { LiveSegment, Word } from '../contracts/index.js';
import type { ConnectionTimes } from './receiver.js';

/** Times of Deepgram's are rounded. */
const ROUNDING_SECONDS = 0.002;
/** A word that begins so near to a border was probably cut by it. */
export const CUT_SECONDS = 0.1;

/** Where a connection began in the middle of what was spoken, behind audio that is transcribed elsewhere. */
interface Border {
  readonly seconds: number;
  readonly firstWords: (number | undefined)[];
}

/**
 * One timeline for all connections of a session: where the audio of each began, and up to where each channel is final.
 *
 * What is final never goes back.
 */
export class Timeline implements ConnectionTimes {
  readonly #offsets: number[] = [];
  readonly #finalUntil: number[] = [];
  #borders: Border[] = [];
  #repaired: { readonly from: number; readonly to: number }[] = [];
  #skippedTo = 0;
  #channels = 1;
  #latest = 0;

  /** Channels that results have told of. */
  get channels(): number {
    return this.#channels;
  }

  /** The latest second that results have told of. */
  get latest(): number {
    return this.#latest;
  }

  /** The connection's first audio is that second of the session. */
  begin(connection: number, seconds: number): void {
    this.#offsets[connection] = seconds;
  }

  offsetOf(connection: number): number {
    return this.#offsets[connection] ?? 0;
  }

  finalUntil(channel: number): number {
    return Math.max(this.#finalUntil[channel] ?? 0, this.#skippedTo);
  }

  /** Returns the second up to which all of so many channels are final. */
  advance(channel: number, seconds: number, channels: number): number {
    this.#channels = Math.max(this.#channels, channels, channel + 1);
    this.#latest = Math.max(this.#latest, seconds);
    this.#finalUntil[channel] = Math.max(this.finalUntil(channel), seconds);
    return this.finalForAll();
  }

  /** The second up to which all channels are final. */
  finalForAll(): number {
    let least = this.finalUntil(0);
    for (let channel = 1; channel < this.#channels; channel += 1) {
      least = Math.min(least, this.finalUntil(channel));
    }
    return least;
  }

  /**
   * No connection will tell of what lies before. `isRepaired`: something else will, the word at the border included, of
   * which the next connection hears only a part.
   */
  skipTo(seconds: number, isRepaired = false): void {
    this.#skippedTo = Math.max(this.#skippedTo, seconds);
    if (isRepaired) this.#borders.push({ seconds, firstWords: [] });
  }

  /** Something else than a connection tells of what lies between. */
  addRepair(from: number, to: number): void {
    this.#repaired.push({ from, to });
  }

  isRepaired(seconds: number): boolean {
    return this.#repaired.some(({ from, to }) => seconds >= from && seconds < to);
  }

  /** The repair that ends there has failed: nothing else tells of its words, nor of the one at its border. */
  forgetRepair(to: number): void {
    this.#borders = this.#borders.filter((border) => border.seconds !== to);
    this.#repaired = this.#repaired.filter((repair) => repair.to !== to);
  }

  /** A final of a connection. */
  heard({ channel, words }: LiveSegment): void {
    for (const { seconds, firstWords } of this.#borders) {
      firstWords[channel] ??= words.find(({ start }) => start >= seconds)?.start;
    }
  }

  /** Where the words of a channel begin that a connection has heard after the border. */
  firstWordAfter(channel: number, border: number): number | undefined {
    return this.#borders.find(({ seconds }) => seconds === border)?.firstWords[channel];
  }

  /** The second of the session for one of a connection. */
  place(connection: number, seconds: number): number {
    return seconds + this.offsetOf(connection);
  }

  /**
   * The segment of a connection on the timeline, without the words that are final already: a replay begins before them
   * where one channel is further than another.
   */
  move(segment: LiveSegment, connection: number, final = this.finalUntil(segment.channel)): LiveSegment {
    const offset = this.offsetOf(connection);
    this.#latest = Math.max(this.#latest, segment.end + offset);
    if (offset === 0 && segment.start >= final - ROUNDING_SECONDS) return segment;
    const words = offset === 0 ? segment.words : segment.words.map((word) => shifted(word, offset));
    const moved = { ...segment, start: segment.start + offset, end: segment.end + offset, words };
    const isAtBorder = this.#borders.some(({ seconds }) => seconds <= moved.end && moved.start < seconds + 1);
    if (moved.start >= final - ROUNDING_SECONDS && !isAtBorder) return moved;
    return withoutFinal(moved, final, (word) => !this.#isCut(word));
  }

  #isCut({ start }: Word): boolean {
    return this.#borders.some(
      ({ seconds }) => start >= seconds - CUT_SECONDS && start < seconds + CUT_SECONDS,
    );
  }
}

/** Without the words that are final, and those that are not wanted. */
export function withoutFinal(
  segment: LiveSegment,
  final: number,
  isWanted: (word: Word) => boolean = () => true,
): LiveSegment {
  const start = Math.min(Math.max(segment.start, final), Math.max(segment.end, final));
  const end = Math.max(segment.end, start);
  if (segment.words.length === 0) {
    // Only the text is there: it belongs to where its middle lies.
    const isOld = (segment.start + segment.end) / 2 < final;
    return { ...segment, start, end, text: isOld ? '' : segment.text };
  }
  const words = segment.words.filter((word) => (word.start + word.end) / 2 >= final && isWanted(word));
  if (words.length === segment.words.length) return { ...segment, start, end };
  return { ...segment, start, end, words, text: words.map(textOf).join(' ') };
}

export function textOf({ punctuatedWord, word }: Word): string {
  return punctuatedWord ?? word;
}

export function shifted(word: Word, seconds: number): Word {
  return { ...word, start: word.start + seconds, end: word.end + seconds };
}
