import { describe, expect, it } from 'vitest';
import { WEBHOOK_ATTEMPTS, webhookDelayMs } from '../../src/webhooks/index.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DELAYS = [
  0,
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

describe('the schedule of webhooks', () => {
  it('is that of the specification, and then it ends', () => {
    const delays = DELAYS.map((_delay, made) => webhookDelayMs(made, { random: () => 0 }));
    expect(delays).toEqual(DELAYS);
    expect(WEBHOOK_ATTEMPTS).toBe(DELAYS.length);
    expect(webhookDelayMs(WEBHOOK_ATTEMPTS)).toBeUndefined();
    expect(webhookDelayMs(WEBHOOK_ATTEMPTS, { retryAfterMs: HOUR })).toBeUndefined();
  });

  it('adds up to 10%, and takes nothing off', () => {
    for (const [made, delay] of DELAYS.entries()) {
      expect(webhookDelayMs(made, { random: () => 0.999_999 })).toBe(Math.round(delay * 1.099_999_9));
      for (let count = 0; count < 50; count++) {
        const drawn = webhookDelayMs(made) ?? Number.NaN;
        expect(drawn).toBeGreaterThanOrEqual(delay);
        expect(drawn).toBeLessThanOrEqual(delay * 1.1);
      }
    }
    const drawn = new Set(Array.from({ length: 20 }, () => webhookDelayMs(9)));
    expect(drawn.size).toBeGreaterThan(1);
  });

  it('waits as long as the receiver asks, up to a day', () => {
    const delay = (made: number, retryAfterMs: number): number | undefined =>
      webhookDelayMs(made, { retryAfterMs, random: () => 0 });
    expect(delay(1, 60 * SECOND)).toBe(60 * SECOND);
    expect(delay(1, 23 * HOUR)).toBe(23 * HOUR);
    expect(delay(1, 25 * HOUR)).toBe(24 * HOUR);
    expect(delay(1, Number.MAX_VALUE)).toBe(24 * HOUR);
    expect(delay(1, 0)).toBe(5 * SECOND);
    expect(delay(3, 60 * SECOND)).toBe(30 * MINUTE);
    expect(webhookDelayMs(1, { retryAfterMs: HOUR, random: () => 0.5 })).toBe(1.05 * HOUR);
  });
});
