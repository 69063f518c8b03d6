import type { PcmAudio } from '../recognizer.js';
import type { LoudStretch } from './loud-stretches.js';
import { DIGITS, digitTone, END_TONE, energyOf, START_TONE, symbolPitch, tonePurity } from './tones.js';
import { decodeLength, decodePrefix, decodeWord, digitCount, HEADER_DIGITS } from './word-code.js';

/** What one loud stretch says. */
export type Reading =
  | {
      readonly kind: 'intact';
      readonly text: string;
      /** The pause that belongs before the word; absent if any will do. */
      readonly pauseMs?: number;
      /** The first sample behind the word. */
      readonly to: number;
      readonly purity: number;
    }
  /** The audio ends within the word. The text holds its whole letters so far, perhaps none. */
  | { readonly kind: 'partial'; readonly text: string; readonly purity: number }
  | { readonly kind: 'broken' };

/** Edges are found to a few samples; a word that is longer or shorter by more than this is broken. */
const EDGE_TOLERANCE_SECONDS = 0.0005;
/** Below this, another sound fills about a tenth of the symbol or more. */
const LEAST_PURITY = 0.8;
const MARKERS = 2;
const BROKEN: Reading = { kind: 'broken' };

/** Reads the symbols at their fixed pitch from the beginning of the stretch. */
export function readWord(audio: PcmAudio, stretch: LoudStretch): Reading {
  const tolerance = audio.sampleRate * EDGE_TOLERANCE_SECONDS;
  const pitch = symbolPitch(audio.sampleRate);
  const limit = (stretch.open ? audio.samples.length : stretch.to) + tolerance;
  const digits: number[] = [];
  let symbols = MARKERS + digitCount(1);
  let puritySum = 0;
  for (let position = 0; position < symbols; position += 1) {
    const to = stretch.from + (position + 1) * pitch;
    if (to > limit) return stretch.open ? readPartial(digits, puritySum / position) : BROKEN;
    const candidates = tonesAt(position, symbols);
    const heard = hear(audio, stretch.from + position * pitch, to, candidates);
    if (heard === undefined) return BROKEN;
    puritySum += heard.purity;
    if (candidates.length > 1) digits.push(heard.index);
    if (digits.length === HEADER_DIGITS && position === HEADER_DIGITS) {
      const length = decodeLength(digits);
      if (length === undefined) return BROKEN;
      symbols = MARKERS + digitCount(length);
    }
  }
  const to = Math.ceil(stretch.from + symbols * pitch);
  if (stretch.to > to + tolerance) return BROKEN;
  if (stretch.to < to - tolerance) return stretch.open ? readPartial(digits, puritySum / symbols) : BROKEN;
  const decoded = decodeWord(digits);
  return decoded === undefined ? BROKEN : { kind: 'intact', ...decoded, to, purity: puritySum / symbols };
}

function readPartial(digits: readonly number[], purity: number): Reading {
  const text = decodePrefix(digits);
  return text === undefined ? BROKEN : { kind: 'partial', text, purity };
}

/** The tones that may stand at a position: a marker, or one for each digit. */
function tonesAt(position: number, symbols: number): readonly number[] {
  if (position === 0) return [START_TONE];
  if (position === symbols - 1) return [END_TONE];
  return Array.from({ length: DIGITS }, (_, digit) => digitTone(digit, position));
}

/** Which of the tones fills the samples, if one does. */
function hear(
  { samples, sampleRate }: PcmAudio,
  from: number,
  to: number,
  tones: readonly number[],
): { index: number; purity: number } | undefined {
  const symbol = samples.subarray(Math.ceil(from), Math.ceil(to));
  const energy = energyOf(symbol);
  for (const [index, tone] of tones.entries()) {
    const purity = tonePurity(symbol, energy, tone, sampleRate);
    if (purity >= LEAST_PURITY) return { index, purity: Math.min(1, purity) };
  }
  return undefined;
}
