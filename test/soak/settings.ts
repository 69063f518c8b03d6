import { newSeed } from '../../src/testing/emulator/faults-random.js';

/** Of the full size. What `npm test` runs, so that the soak tests cannot rot. */
const SMOKE_SCALE = 0.01;

export interface SoakSettings {
  /** `SOAK_SEED`. Default: a new one. */
  readonly seed: number;
  /** `SOAK_SCALE`: the share of the full size. */
  readonly scale: number;
  /** `SOAK_ONLY`: the one call to repeat. */
  readonly only: number | undefined;
}

/** Throws a RangeError that names the variable. */
export function readSettings(): SoakSettings {
  const { SOAK_SEED, SOAK_SCALE, SOAK_ONLY } = process.env;
  return {
    seed: SOAK_SEED ? whole('SOAK_SEED', SOAK_SEED) : newSeed(),
    scale: SOAK_SCALE ? positive('SOAK_SCALE', SOAK_SCALE) : SMOKE_SCALE,
    only: SOAK_ONLY ? whole('SOAK_ONLY', SOAK_ONLY) : undefined,
  };
}

/** A full size, scaled: a whole number of at least `least`. */
export function scaled(fullSize: number, least = 1): number {
  return Math.max(least, Math.round(fullSize * readSettings().scale));
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw new RangeError(`${name}: must be a whole number of 32 bits, got ${text}`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`${name}: must be a positive number, got ${text}`);
}
