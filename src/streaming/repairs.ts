import type { GapReason, LiveSegment, StoredAudio, Transcript, Word } from '../contracts/index.js';
import type { Cut } from './audio-map.js';
import { CUT_SECONDS, shifted, type Timeline, textOf } from './timeline.js';

/** Audio after a stretch that belongs to it too: words at the border are whole on one side. */
export const OVERLAP_SECONDS = 3;

/** Audio of an outage that the store has. Times are seconds of the session. */
export interface StoredStretch {
  /** Undefined where the store has failed. */
  readonly stored: Promise<StoredAudio | undefined>;
  /** Bytes at the beginning that cannot be understood. */
  readonly skippedBytes: number;
  /** Where the audio begins after them. */
  readonly start: Cut;
  readonly from: number;
  readonly to: number;
  /** Up to where each channel was final before. */
  readonly finals: readonly number[];
}

/** Transcribes a stretch that the store has, and lets go of its audio. */
export type TranscribeStretch = (
  audio: {
    readonly ref: string;
    readonly skippedBytes: number;
    /** What has to come before the audio, where it is in a container. */
    readonly preamble: Uint8Array | undefined;
    readonly durationSeconds: number;
  },
  signal: AbortSignal,
) => Promise<Transcript>;

export interface RepairsParts {
  readonly timeline: Timeline;
  readonly transcribe: TranscribeStretch;
  readonly signal: AbortSignal;
  readonly onRepaired: (segment: LiveSegment) => void;
  readonly onFailed: (stretch: StoredStretch, reason: GapReason) => void;
}

interface Repaired {
  readonly stretch: StoredStretch;
  readonly transcript: Transcript;
}

/** Stretches before and after one, which have their own words. */
interface Neighbours {
  /** Where the one before ends. */
  beforeTo: number | undefined;
  after: StoredStretch | undefined;
}

/** Stretches of audio that no live connection has heard, on their way into the transcript. */
export class Repairs {
  readonly #parts: RepairsParts;
  readonly #running = new Set<Promise<void>>();
  /** Transcribed, while the words after them are not final yet: these tell where they end. */
  #waiting: Repaired[] = [];
  #newest: StoredStretch | undefined;
  readonly #neighbours = new WeakMap<StoredStretch, Neighbours>();

  constructor(parts: RepairsParts) {
    this.#parts = parts;
  }

  get isBusy(): boolean {
    return this.#running.size > 0 || this.#waiting.length > 0;
  }

  add(stretch: StoredStretch): void {
    const before = this.#newest;
    const neighbours = before && this.#neighbours.get(before);
    if (neighbours !== undefined) neighbours.after = stretch;
    this.#neighbours.set(stretch, { beforeTo: before?.to, after: undefined });
    this.#newest = stretch;
    const running = this.#repair(stretch);
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  /** More is final. */
  merge(): void {
    const { timeline } = this.#parts;
    const isReady = ({ stretch }: Repaired): boolean => timeline.finalForAll() > stretch.to + OVERLAP_SECONDS;
    const ready = this.#waiting.filter(isReady);
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter((repaired) => !ready.includes(repaired));
    for (const repaired of ready) this.#tell(repaired);
  }

  /** Resolves when everything is in its place. Nothing more becomes final. */
  async end(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    for (const repaired of this.#waiting.splice(0)) this.#tell(repaired);
  }

  async #repair(stretch: StoredStretch): Promise<void> {
    const { transcribe, signal } = this.#parts;
    const stored = await stretch.stored;
    if (stored === undefined) {
      this.#failed(stretch, 'store-failed');
      return;
    }
    try {
      const { skippedBytes, start, from, to } = stretch;
      const audio = { ref: stored.ref, skippedBytes, preamble: start.preamble, durationSeconds: to - from };
      // Not in one expression: `#waiting` may be another one afterwards.
      const transcript = await transcribe(audio, signal);
      this.#waiting.push({ stretch, transcript });
    } catch {
      this.#failed(stretch, 'repair-failed');
      return;
    }
    this.merge();
  }

  /** What is heard after the border is all that there will be of the word there. */
  #failed(stretch: StoredStretch, reason: GapReason): void {
    this.#parts.timeline.forgetRepair(stretch.to);
    if (this.#newest === stretch) this.#newest = undefined;
    const after = this.#neighbours.get(stretch)?.after;
    const neighbours = after && this.#neighbours.get(after);
    if (neighbours !== undefined) neighbours.beforeTo = undefined;
    if (!this.#parts.signal.aborted) this.#parts.onFailed(stretch, reason);
  }

  #tell({ stretch, transcript }: Repaired): void {
    for (const [channel, { words, confidence }] of transcript.channels.entries()) {
      const missing = words
        .map((word) => shifted(word, stretch.start.seconds))
        .filter(
          (word) => this.#isAfterBegin(word, channel, stretch) && this.#isBeforeEnd(word, channel, stretch),
        );
      const [first] = missing;
      const last = missing.at(-1);
      if (first === undefined || last === undefined) continue;
      const text = missing.map(textOf).join(' ');
      this.#parts.onRepaired({
        channel,
        text,
        start: first.start,
        end: last.end,
        confidence,
        words: missing,
      });
    }
  }

  /** The word at the border of two stretches belongs to the first one, which has the whole of it. */
  #isAfterBegin(word: Word, channel: number, stretch: StoredStretch): boolean {
    const final = stretch.finals[channel] ?? 0;
    return this.#neighbours.get(stretch)?.beforeTo === final
      ? word.start >= final + CUT_SECONDS
      : middleOf(word) >= final;
  }

  #isBeforeEnd(word: Word, channel: number, stretch: StoredStretch): boolean {
    const heard = this.#parts.timeline.firstWordAfter(channel, stretch.to) ?? Number.POSITIVE_INFINITY;
    const after = this.#neighbours.get(stretch)?.after;
    const next = after?.finals[channel] ?? Number.POSITIVE_INFINITY;
    if (next === stretch.to) return word.start < next + CUT_SECONDS;
    return middleOf(word) < Math.min(heard, next);
  }
}

function middleOf(word: Word): number {
  return (word.start + word.end) / 2;
}
