import { expect, it } from 'vitest';
import { showSlowAnswer } from '../sdk-faults/slow-answer.scenario.js';
import { readSettings } from './settings.js';

const { scale } = readSettings();
/** Longer than the 300 s for which Node's fetch waits for the headers of an answer. */
const DELAY_MS = 330_000 * Math.min(1, scale);

it(
  `an answer after ${DELAY_MS / 1000} s is awaited`,
  async () => {
    const startedAt = performance.now();
    const { sdk, library } = await showSlowAnswer({ delayMs: DELAY_MS });
    const tookMs = performance.now() - startedAt;
    console.log(`slow-answer: ${(tookMs / 1000).toFixed(1)} s`, { sdk, library });
    expect(library).toEqual({ value: 'hello world' });
    expect(tookMs).toBeGreaterThan(DELAY_MS - 50);
    // Node's limit cannot be scaled.
    if (scale >= 1) expect(sdk).toHaveProperty('error');
  },
  DELAY_MS + 60_000,
);
