import type { LiveEventOf } from 'transcription-client';
import type { SpokenWord } from 'transcription-client/testing';
import type { Recording } from './perform.js';

/** How far a time may be from the true one. */
export const TOLERANCE_SECONDS = 0.05;

export interface HeardWord {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** Those that have words. */
export function finalsOf({ events }: Recording, channel: number): LiveEventOf<'final'>[] {
  return events.flatMap(({ event }) =>
    event.type === 'final' && event.channel === channel && event.text !== '' ? [event] : [],
  );
}

/** The word that is said at that time in the channel. */
export function wordAt(
  spoken: readonly SpokenWord[],
  channel: number,
  start: number,
): SpokenWord | undefined {
  return spoken.find((word) => word.channel === channel && Math.abs(word.start - start) <= TOLERANCE_SECONDS);
}
