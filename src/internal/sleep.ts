import type { Clock } from '../contracts/clock.js';
import { abortError, onAbort } from './abort.js';

/** Waits on the given clock. Rejects as soon as the signal aborts, and leaves no timer behind. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let stopListening: () => void = () => undefined;
    const timer = clock.setTimer(() => {
      stopListening();
      resolve();
    }, delayMs);
    stopListening = onAbort(signal, () => {
      timer.cancel();
      reject(abortError(signal as AbortSignal));
    });
  });
}
