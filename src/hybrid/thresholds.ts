import type { RouterOptions, TranscriptMode } from '../contracts/index.js';
import { invalidOption } from '../internal/validate.js';

/** The reference architecture's thresholds. */
const ROUTER_DEFAULTS = {
  syncBelowSeconds: 60,
  asyncAboveSeconds: 300,
  otherwise: 'sync',
} as const satisfies RouterOptions;

/** @throws BadRequestError where the thresholds, defaults included, contradict each other. */
export function resolveThresholds(options: RouterOptions): {
  syncBelowSeconds: number;
  asyncAboveSeconds: number;
  otherwise: TranscriptMode;
} {
  const {
    syncBelowSeconds = ROUTER_DEFAULTS.syncBelowSeconds,
    asyncAboveSeconds = ROUTER_DEFAULTS.asyncAboveSeconds,
    otherwise = ROUTER_DEFAULTS.otherwise,
  } = options;
  if (syncBelowSeconds > asyncAboveSeconds) {
    throw invalidOption(
      'router.syncBelowSeconds',
      `at most router.asyncAboveSeconds (${asyncAboveSeconds})`,
      syncBelowSeconds,
    );
  }
  return { syncBelowSeconds, asyncAboveSeconds, otherwise };
}
