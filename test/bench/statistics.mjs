// @ts-check

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * @param {ArrayLike<number>} values
 * @param {number} fraction 0 to 1.
 */
export function percentile(values, fraction) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}

/**
 * Measures both sides in turn: A B A B. What slows the machine down for a while slows both.
 *
 * @template Result
 * @param {number} rounds
 * @param {() => Promise<Result>} ours
 * @param {() => Promise<Result>} rivals
 * @returns {Promise<{ ours: Result[], rivals: Result[] }>}
 */
export async function interleave(rounds, ours, rivals) {
  /** @type {{ ours: Result[], rivals: Result[] }} */
  const results = { ours: [], rivals: [] };
  for (let round = 0; round < rounds; round += 1) {
    results.ours.push(await ours());
    results.rivals.push(await rivals());
  }
  return results;
}

/**
 * The median of the rounds' ratios: each round compares what ran close together in time.
 *
 * @param {readonly number[]} ours
 * @param {readonly number[]} rivals
 */
export function medianRatio(ours, rivals) {
  return median(ours.map((value, round) => value / (rivals[round] ?? Number.NaN)));
}
