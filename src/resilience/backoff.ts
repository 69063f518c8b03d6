export interface BackoffOptions {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * Delay after the given failed attempt (from 1): exponential, capped, with full jitter, so that clients that
 * failed together do not come back together.
 */
export function backoffDelayMs(
  attempt: number,
  { minDelayMs, maxDelayMs }: BackoffOptions,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(random() * ceiling);
}
