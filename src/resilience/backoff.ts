export interface BackoffOptions {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * Delay after the given failed attempt (from 1), with full jitter: anything between `minDelayMs` and a ceiling
 * that doubles with each attempt, `maxDelayMs` at most. So clients that failed together do not come back
 * together, and none comes back at once.
 */
export function backoffDelayMs(
  attempt: number,
  { minDelayMs, maxDelayMs }: BackoffOptions,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(attempt, 30));
  const floor = Math.min(minDelayMs, ceiling);
  return Math.round(floor + random() * (ceiling - floor));
}
