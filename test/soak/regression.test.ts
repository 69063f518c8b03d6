import { describe, expect, it } from 'vitest';
import { minimaOf, slopeOf } from './regression.js';

/** A heap that keeps `leak` bytes more at each sample, and every third time garbage as well. */
function heap(leak: number): number[] {
  return Array.from(
    { length: 50 },
    (_, index) => 12_000_000 + leak * index + (index % 3 === 0 ? 100_000 : 0),
  );
}

describe('the slope of a heap', () => {
  it.each([0, 500, 2000])('shows a leak of %i bytes a sample under garbage of 100 kB', (leak) => {
    const { slope, error } = slopeOf(minimaOf(heap(leak), 5));
    expect(Math.abs(slope / 5 - leak)).toBeLessThan(100);
    expect(error / 5).toBeLessThan(100);
  });

  it('of all samples would hide it', () => {
    const noisy = heap(500).map((bytes, index) => bytes + (index < 10 ? 100_000 : 0));
    expect(slopeOf(noisy).slope).toBeLessThan(0);
  });

  it('drops samples that fill no group', () => {
    expect(minimaOf([3, 2, 9, 1, 5], 2)).toEqual([2, 1]);
  });
});
