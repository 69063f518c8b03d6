import type { Transcript, Word } from 'transcription-client';

export interface LineWord {
  readonly text: string;
  /** Seconds from the beginning of the recording. */
  readonly start: number;
  readonly end: number;
}

/** What somebody says between two pauses. */
export interface Line {
  readonly start: number;
  readonly speaker?: number;
  readonly words: readonly LineWord[];
}

/** A transcript as a page shows it. */
export function linesOf({ utterances, channels }: Transcript): readonly Line[] {
  const parts = utterances.length > 0 ? utterances : channels;
  return parts
    .filter(({ words }) => words.length > 0)
    .map(({ words }) => lineOf(words))
    .sort((one, other) => one.start - other.start);
}

/** Such as 1:05. */
export function timeOf(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function lineOf(words: readonly Word[]): Line {
  const [first] = words;
  return {
    start: first?.start ?? 0,
    ...(first?.speaker !== undefined && { speaker: first.speaker }),
    words: words.map(({ word, punctuatedWord, start, end }) => ({
      text: punctuatedWord ?? word,
      start,
      end,
    })),
  };
}
