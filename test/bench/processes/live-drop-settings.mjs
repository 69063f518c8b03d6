// @ts-check

/** More than one at a time only so that the pauses do not add up. */
export const DROPPED_STREAMS = 10;
export const DROPS_PER_STREAM = 5;
