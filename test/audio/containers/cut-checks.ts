import { expect } from 'vitest';
import type { CutPoint } from '../../../src/contracts/index.js';
import { newSeed } from '../../../src/testing/emulator/faults-random.js';
import { decode, followStream, randomSizes, resumeAt } from './streams.js';

/**
 * What is sent after any cut, in streams cut into chunks of any size, is heard sample by sample from the cut's second
 * on. `whole` is a stream of the same audio that the decoder can read, by default the stream itself.
 */
export function expectExactCuts(bytes: Uint8Array, whole: Uint8Array = bytes, seed = newSeed()): CutPoint[] {
  const { container, cuts } = followStream(bytes, randomSizes(seed));
  const reference = decode(whole);
  const { sampleRate } = reference;
  expect(cuts.length, `seed ${seed}`).toBeGreaterThan(0);
  for (const cut of cuts) {
    const message = `seed ${seed}, position ${cut.position}`;
    const sample = cut.seconds * sampleRate;
    expect(Math.abs(sample - Math.round(sample)), message).toBeLessThan(0.001);
    const heard = decode(resumeAt(bytes, container, cut)).from(0);
    const expected = reference.from(Math.round(sample));
    // Not toEqual: it would print all samples.
    expect(
      heard.length === expected.length && heard.every((text, at) => text === expected[at]),
      message,
    ).toBe(true);
  }
  expectSameCuts(bytes, cuts);
  return cuts;
}

/** The chunks do not matter, down to a byte each and up to all at once. */
export function expectSameCuts(bytes: Uint8Array, cuts: readonly CutPoint[]): void {
  for (const size of [1, bytes.length]) {
    expect(followStream(bytes, () => size).cuts, `chunks of ${size}`).toEqual(cuts);
  }
  for (const [index, cut] of cuts.entries()) {
    expect(cut.position).toBeGreaterThan(cuts[index - 1]?.position ?? 0);
    expect(cut.seconds).toBeGreaterThanOrEqual(cuts[index - 1]?.seconds ?? 0);
  }
}
