import type { RouteFacts, RouteRule } from '../contracts/index.js';
import type { Thresholds } from './thresholds.js';

/** In the order in which they are asked. */
export function builtInRules(thresholds: Thresholds): readonly RouteRule[] {
  return [
    askedFor,
    liveAudio,
    longAudio(thresholds.asyncAboveSeconds),
    pressure(thresholds),
    shortAudio(thresholds.syncBelowSeconds),
  ];
}

/** The caller said which mode; of `sync` also that a job would do. */
const askedFor: RouteRule = {
  name: 'asked-for',
  decide: (facts) => (facts.mode === 'sync' && isUnderPressure(facts) ? undefined : facts.mode),
};

/** Audio without an end can only be streamed. */
const liveAudio: RouteRule = {
  name: 'live-audio',
  decide: (facts) => (facts.live ? 'stream' : undefined),
};

/** A queue cannot keep a stream that is read once, so such audio is left to the rules that follow. */
function longAudio(aboveSeconds: number): RouteRule {
  return {
    name: 'long-audio',
    decide: ({ durationSeconds, queueable }) =>
      durationSeconds !== undefined && durationSeconds > aboveSeconds && queueable ? 'async' : undefined,
  };
}

/** Queues what would otherwise be synchronous and would have to wait, or would fail, where the caller lets it. */
function pressure({ syncBelowSeconds, otherwise }: Thresholds): RouteRule {
  return {
    name: 'pressure',
    decide(facts) {
      const { mode, durationSeconds = Number.POSITIVE_INFINITY } = facts;
      const wouldBeSync = mode === 'sync' || otherwise === 'sync' || durationSeconds < syncBelowSeconds;
      return wouldBeSync && isUnderPressure(facts) ? 'async' : undefined;
    },
  };
}

function isUnderPressure({ allowAsync, queueable, load }: RouteFacts): boolean {
  return allowAsync && queueable && (load.saturated || load.regionFailing);
}

function shortAudio(belowSeconds: number): RouteRule {
  return {
    name: 'short-audio',
    decide: ({ durationSeconds }) =>
      durationSeconds !== undefined && durationSeconds < belowSeconds ? 'sync' : undefined,
  };
}
