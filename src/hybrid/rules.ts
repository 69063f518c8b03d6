import type { RouteRule } from '../contracts/index.js';

/** The caller said which mode. */
export const askedFor: RouteRule = {
  name: 'asked-for',
  decide: (facts) => facts.mode,
};

/** Audio without an end can only be streamed. */
export const liveAudio: RouteRule = {
  name: 'live-audio',
  decide: (facts) => (facts.live ? 'stream' : undefined),
};

export function shortAudio(belowSeconds: number): RouteRule {
  return {
    name: 'short-audio',
    decide: ({ durationSeconds }) =>
      durationSeconds !== undefined && durationSeconds < belowSeconds ? 'sync' : undefined,
  };
}

/** A queue cannot keep a stream that is read once, so such audio is left to the rules that follow. */
export function longAudio(aboveSeconds: number): RouteRule {
  return {
    name: 'long-audio',
    decide: ({ durationSeconds, queueable }) =>
      durationSeconds !== undefined && durationSeconds > aboveSeconds && queueable ? 'async' : undefined,
  };
}
