import { randomInt } from 'node:crypto';

const RANGE = 2 ** 32;

/** A seed that was not used before, most likely: a whole number of 32 bits. */
export function newSeed(): number {
  return randomInt(RANGE);
}

/** Numbers from 0 up to, not including, 1. The same seed gives the same numbers on every machine. */
export function createRandom(seed: number): () => number {
  let position = seed >>> 0;
  return () => {
    position = (position + 0x9e37_79b9) >>> 0;
    return scramble(position) / RANGE;
  };
}

/** Spreads every bit of a 32-bit number over all bits, so that neighbours have nothing in common. */
function scramble(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
