import type { RouterOptions, TranscriptMode } from '../contracts/index.js';
import { checkOrder } from '../internal/validate.js';

export interface Thresholds {
  readonly syncBelowSeconds: number;
  readonly asyncAboveSeconds: number;
  readonly otherwise: TranscriptMode;
}

/**
 * The reference architecture's thresholds, where the options set no others.
 *
 * @throws BadRequestError where the thresholds, defaults included, contradict each other.
 */
export function resolveThresholds({
  syncBelowSeconds = 60,
  asyncAboveSeconds = 300,
  otherwise = 'sync',
}: RouterOptions): Thresholds {
  checkOrder('router.syncBelowSeconds', syncBelowSeconds, 'router.asyncAboveSeconds', asyncAboveSeconds);
  return { syncBelowSeconds, asyncAboveSeconds, otherwise };
}
