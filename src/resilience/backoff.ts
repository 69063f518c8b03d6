export interface BackoffOptions {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * Delay after the given failed attempt (from 1): from `minDelayMs` on it doubles, and a random part of up to
 * its own length is added, so that clients that failed together do not come back together. Never below
 * `minDelayMs`, never above `maxDelayMs`.
 */
export function backoffDelayMs(
  attempt: number,
  { minDelayMs, maxDelayMs }: BackoffOptions,
  random: () => number = Math.random,
): number {
  const doubled = minDelayMs * 2 ** Math.min(attempt - 1, 30);
  // Half of the longest delay stays random, so that the cap does not bring all clients into step again.
  const shortest = Math.min(maxDelayMs, Math.max(minDelayMs, Math.min(doubled, maxDelayMs / 2)));
  const longest = Math.min(maxDelayMs, 2 * shortest);
  return Math.round(longest - random() * (longest - shortest));
}
