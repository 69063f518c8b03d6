import type { Clock } from '../contracts/clock.js';

/** setTimeout's largest delay; longer ones would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** The machine's own time. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(callback, delayMs) {
    let handle: ReturnType<typeof setTimeout>;
    const arm = (remainingMs: number): void => {
      const step = Math.min(Math.max(remainingMs, 0), MAX_TIMER_MS);
      handle = setTimeout(() => (remainingMs > step ? arm(remainingMs - step) : callback()), step);
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(handle), unref: () => void handle.unref?.() };
  },
};
