import { describe, expect, it } from 'vitest';
import { TimeoutError } from '../../src/errors/index.js';
import { backoffDelayMs } from '../../src/resilience/backoff.js';
import { startDeadline } from '../../src/resilience/deadline.js';
import { RollingWindow } from '../../src/resilience/rolling-window.js';
import { ManualClock } from '../support/manual-clock.js';

describe('backoffDelayMs()', () => {
  const limits = { minDelayMs: 1000, maxDelayMs: 20_000 };

  it.each([
    [1, 1000, 2000],
    [2, 1000, 4000],
    [3, 1000, 8000],
    [4, 1000, 16_000],
    [5, 1000, 20_000],
    [1000, 1000, 20_000],
  ])('after attempt %i is anything from %i to %i', (attempt, least, most) => {
    expect(backoffDelayMs(attempt, limits, () => 0)).toBe(least);
    expect(backoffDelayMs(attempt, limits, () => 1)).toBe(most);
    const delays = Array.from({ length: 200 }, () => backoffDelayMs(attempt, limits));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...delays)).toBeLessThanOrEqual(most);
    // 200 draws leave a quarter at either end empty once in 10^25 runs.
    expect(Math.min(...delays)).toBeLessThan(least + (most - least) / 4);
    expect(Math.max(...delays)).toBeGreaterThan(most - (most - least) / 4);
  });

  it.each([
    [{ minDelayMs: 0, maxDelayMs: 0 }, 0, 0],
    [{ minDelayMs: 5000, maxDelayMs: 100 }, 100, 100],
    [{ minDelayMs: 100, maxDelayMs: 100 }, 100, 100],
    [{ minDelayMs: 90, maxDelayMs: 100 }, 90, 100],
  ])('%j stays from %i to %i', (options, least, most) => {
    for (const attempt of [1, 2, 50]) {
      expect(backoffDelayMs(attempt, options, () => 0)).toBe(least);
      expect(backoffDelayMs(attempt, options, () => 1)).toBe(most);
    }
  });
});

describe('RollingWindow', () => {
  it('lets the limit start in any stretch, not in fixed ones', async () => {
    const clock = new ManualClock();
    const window = new RollingWindow(clock, 2, 1000);
    await clock.advance(900);
    expect([window.take(), window.take(), window.take()]).toEqual([0, 0, 1000]);
    await clock.advance(999);
    expect(window.take()).toBe(1);
    await clock.advance(1);
    expect([window.take(), window.take()]).toEqual([0, 0]);
    expect(window.take()).toBe(1000);
  });
});

describe('startDeadline()', () => {
  const options = { what: 'The call', advice: 'Raise timeoutMs.', signal: undefined, timeoutMs: 100 };

  it('aborts with a TimeoutError that says what to do', async () => {
    const clock = new ManualClock();
    const deadline = startDeadline({ ...options, clock });
    await clock.advance(99);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(deadline.signal.reason).toBeInstanceOf(TimeoutError);
    expect(deadline.signal.reason.message).toMatch(/The call took longer than 100 ms\. Raise timeoutMs/);
  });

  it('leaves nothing behind', () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const deadline = startDeadline({ ...options, clock, signal: controller.signal });
    deadline.dispose();
    expect(clock.pendingTimers).toBe(0);
    controller.abort();
    expect(deadline.signal.aborted).toBe(false);
  });

  it('passes on the reason of an outer deadline', async () => {
    const clock = new ManualClock();
    const outer = startDeadline({ ...options, clock });
    const inner = startDeadline({ ...options, clock, timeoutMs: undefined, signal: outer.signal });
    await clock.advance(100);
    expect(inner.signal.reason).toBe(outer.signal.reason);
    const late = startDeadline({ ...options, clock, signal: outer.signal });
    expect(late.signal.aborted).toBe(true);
  });
});
