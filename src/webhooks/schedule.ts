const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The longest step, and the longest that a receiver may ask to wait. */
const DAY_MS = 24 * HOUR_MS;

/** Before each attempt, counted from the one before. Source: the Standard Webhooks specification. */
const DELAYS_MS = [
  0,
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  DAY_MS,
] as const;

/** Webhooks that failed together do not come back together. */
const JITTER = 0.1;

/** Attempts to deliver one message, the first one included. */
export const WEBHOOK_ATTEMPTS: number = DELAYS_MS.length;

export interface WebhookDelayOptions {
  /** What the receiver asked for with the answer before. Honoured up to a day. */
  readonly retryAfterMs?: number | undefined;
  /** From 0 up to 1. Default: Math.random. */
  readonly random?: () => number;
}

/**
 * Milliseconds from the end of the last attempt to the next one, where so many attempts have been made: never less
 * than scheduled or asked for, and up to 10% more. Undefined after the last attempt: the message is given up.
 */
export function webhookDelayMs(
  attemptsMade: number,
  { retryAfterMs = 0, random = Math.random }: WebhookDelayOptions = {},
): number | undefined {
  const scheduledMs = DELAYS_MS[attemptsMade];
  if (scheduledMs === undefined) return undefined;
  const delayMs = Math.max(scheduledMs, Math.min(retryAfterMs, DAY_MS));
  return Math.round(delayMs * (1 + JITTER * random()));
}
