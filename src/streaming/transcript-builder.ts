import type {
  Clock,
  LiveSegment,
  Transcript,
  TranscriptChannel,
  Utterance,
  Word,
} from '../contracts/index.js';
import { emptyTranscript, type TranscriptFacts } from './empty-transcript.js';

interface Final {
  readonly segment: LiveSegment;
  /** The last one of its utterance. */
  utteranceEnd: boolean;
}

/** Collects the finals of a session and makes a transcript of them, at any time. */
export class TranscriptBuilder {
  readonly #facts: TranscriptFacts;
  readonly #clock: Clock;
  readonly #requestIds: string[] = [];
  readonly #finals: Final[] = [];
  readonly #results: unknown[] = [];
  readonly #metadata: unknown[] = [];
  #channels = 1;
  #lastEnd = 0;
  #leastSeconds = 0;
  #durationSeconds: number | undefined;

  constructor(facts: TranscriptFacts, clock: Clock) {
    this.#facts = facts;
    this.#clock = clock;
  }

  addRequestId(requestId: string | undefined): void {
    if (requestId !== undefined && !this.#requestIds.includes(requestId)) this.#requestIds.push(requestId);
  }

  addChannels(channels: number | undefined): void {
    this.#channels = Math.max(this.#channels, channels ?? 1);
  }

  /** Time counts for interims too: silence at the end has no final of its own. */
  addTime(end: number): void {
    this.#lastEnd = Math.max(this.#lastEnd, end);
  }

  addFinal(segment: LiveSegment, speechFinal: boolean, message: unknown): void {
    this.#results.push(message);
    this.addChannels(segment.channel + 1);
    if (segment.text.trim() !== '') this.#finals.push({ segment, utteranceEnd: speechFinal });
    else if (speechFinal) this.endUtterance(segment.channel);
  }

  /** A stretch that was transcribed later: it goes where its time is. */
  addRepair(segment: LiveSegment): void {
    this.addChannels(segment.channel + 1);
    const after = this.#finals.findIndex((final) => final.segment.start > segment.start);
    this.#finals.splice(after < 0 ? this.#finals.length : after, 0, { segment, utteranceEnd: true });
  }

  endUtterance(channel: number): void {
    const last = this.#finals.findLast(({ segment }) => segment.channel === channel);
    if (last !== undefined) last.utteranceEnd = true;
  }

  addMetadata(durationSeconds: number | undefined, message: unknown): void {
    this.#metadata.push(message);
    this.#durationSeconds = durationSeconds ?? this.#durationSeconds;
  }

  /** The audio is at least so long: the last connection may have had less of it. */
  addLength(seconds: number): void {
    this.#leastSeconds = seconds;
  }

  build(): Transcript {
    const channels = Array.from({ length: this.#channels }, (_, channel) => this.#channel(channel));
    const language = this.#language();
    return {
      ...emptyTranscript(this.#facts, this.#clock.wallMs()),
      requestId: this.#requestIds[0] ?? '',
      requestIds: [...this.#requestIds],
      text: joinTexts(channels, '\n'),
      durationSeconds: Math.max(this.#durationSeconds ?? this.#lastEnd, this.#leastSeconds),
      ...(language !== undefined && { language }),
      channels,
      utterances: channels
        .flatMap((_, channel) => this.#utterances(channel))
        .sort((a, b) => a.start - b.start || a.channel - b.channel),
      response: { results: [...this.#results], metadata: [...this.#metadata] },
    };
  }

  #of(channel: number): Final[] {
    return this.#finals.filter(({ segment }) => segment.channel === channel);
  }

  #channel(channel: number): TranscriptChannel {
    const segments = this.#of(channel).map(({ segment }) => segment);
    const words = segments.flatMap((segment) => segment.words);
    return { text: joinTexts(segments, ' '), confidence: confidenceOf(segments, words), words };
  }

  #utterances(channel: number): Utterance[] {
    const utterances: Utterance[] = [];
    let open: LiveSegment[] = [];
    const close = (): void => {
      if (open.length > 0) utterances.push(utteranceOf(open));
      open = [];
    };
    for (const { segment, utteranceEnd } of this.#of(channel)) {
      open.push(segment);
      if (utteranceEnd) close();
    }
    close();
    return utterances;
  }

  /** The language of most words, where they tell. */
  #language(): string | undefined {
    const counts = new Map<string, number>();
    for (const { segment } of this.#finals) {
      for (const { language } of segment.words) {
        if (language !== undefined) counts.set(language, (counts.get(language) ?? 0) + 1);
      }
    }
    const [most] = [...counts].sort(([, a], [, b]) => b - a);
    return most?.[0];
  }
}

function utteranceOf(segments: readonly LiveSegment[]): Utterance {
  const words = segments.flatMap((segment) => segment.words);
  const [first] = segments;
  const last = segments.at(-1);
  const [speaker, ...others] = new Set(words.map((word) => word.speaker));
  return {
    start: words[0]?.start ?? first?.start ?? 0,
    end: words.at(-1)?.end ?? last?.end ?? 0,
    confidence: confidenceOf(segments, words),
    channel: first?.channel ?? 0,
    text: joinTexts(segments, ' '),
    words,
    ...(speaker !== undefined && others.length === 0 && { speaker }),
  };
}

function joinTexts(parts: readonly { readonly text: string }[], separator: string): string {
  return parts
    .map(({ text }) => text.trim())
    .filter((text) => text !== '')
    .join(separator);
}

/** The mean over the words, or over the segments where there are no words. */
function confidenceOf(segments: readonly LiveSegment[], words: readonly Word[]): number {
  const rated = words.length > 0 ? words : segments;
  return rated.length === 0 ? 0 : rated.reduce((sum, { confidence }) => sum + confidence, 0) / rated.length;
}
