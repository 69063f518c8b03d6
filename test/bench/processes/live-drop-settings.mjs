// @ts-check

/** In each round: several at a time only so that the pauses do not add up. */
export const DROPPED_STREAMS = 10;
export const DROPS_PER_STREAM = 1;
