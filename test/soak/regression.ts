export interface Slope {
  /** Per sample. */
  readonly slope: number;
  /** Standard error of the slope: two of them either way hold the true one in 95 of 100 runs. */
  readonly error: number;
}

/** The straight line through samples that are equally far apart, by least squares. Takes three of them or more. */
export function slopeOf(samples: readonly number[]): Slope {
  const count = samples.length;
  if (count < 3) throw new RangeError(`A slope takes three samples or more, not ${count}.`);
  const middle = (count - 1) / 2;
  const mean = samples.reduce((sum, value) => sum + value, 0) / count;
  const spread = samples.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
  const slope = samples.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0) / spread;
  const residuals = samples.reduce(
    (sum, value, index) => sum + (value - mean - slope * (index - middle)) ** 2,
    0,
  );
  return { slope, error: Math.sqrt(residuals / (count - 2) / spread) };
}

/** The smallest of each `size` samples. What is left over at the end is dropped. */
export function minimaOf(samples: readonly number[], size: number): readonly number[] {
  const groups = Math.floor(samples.length / size);
  return Array.from({ length: groups }, (_, group) =>
    Math.min(...samples.slice(group * size, (group + 1) * size)),
  );
}
