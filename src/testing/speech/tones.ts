/** Tones keep whole cycles in a symbol of 10 ms, so symbols join without clicks and need no fades. */
const SYMBOLS_PER_SECOND = 100;

/** Peak of a tone as a share of full scale. */
export const TONE_AMPLITUDE = 0.3;

const TONE_SPACING = SYMBOLS_PER_SECOND;
const LOWEST_TONE = 500;

/** A symbol says one digit of this base. */
export const DIGITS = 8;
/**
 * Positions take turns with so many sets of tones. Sound that moves by 10, 20, 40 or 50 ms is therefore
 * never taken for a digit of the place that it moved to.
 */
const TONE_SETS = 3;

/** The markers lie above all digits: 2900 and 3000 Hz. */
export const START_TONE = LOWEST_TONE + TONE_SPACING * DIGITS * TONE_SETS;
export const END_TONE = START_TONE + TONE_SPACING;

/** Hertz of a digit (0 to 7) at a position counted from the word's start marker: 500 to 2800. */
export function digitTone(digit: number, position: number): number {
  return LOWEST_TONE + TONE_SPACING * (DIGITS * (position % TONE_SETS) + digit);
}

/** Samples per symbol. Not always whole: 220.5 at 22050 Hz. */
export function symbolPitch(sampleRate: number): number {
  return sampleRate / SYMBOLS_PER_SECOND;
}

export function energyOf(samples: Int16Array): number {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return energy;
}

/**
 * The share of the samples' energy that lies in one tone: 1 for the tone alone, near 0 without it.
 * (Goertzel's algorithm.)
 */
export function tonePurity(samples: Int16Array, energy: number, tone: number, sampleRate: number): number {
  if (energy === 0) return 0;
  const coefficient = 2 * Math.cos((2 * Math.PI * tone) / sampleRate);
  let previous = 0;
  let beforePrevious = 0;
  for (const sample of samples) {
    const current = sample + coefficient * previous - beforePrevious;
    beforePrevious = previous;
    previous = current;
  }
  const power = previous ** 2 + beforePrevious ** 2 - coefficient * previous * beforePrevious;
  return (2 * power) / (samples.length * energy);
}
