import type { Clock } from '../contracts/clock.js';

/**
 * Settles with the answer, or rejects when the time is up. It does not keep the process from ending.
 *
 * The time passes in two halves: a machine that slept for hours reads what has come before the second one is over.
 */
export function answerWithin<Value>(
  clock: Clock,
  answer: Value | Promise<Value>,
  timeoutMs: number,
  toError: () => Error,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const wait = (then: () => void) => {
      const timer = clock.setTimer(then, timeoutMs / 2);
      timer.unref?.();
      return timer;
    };
    let timer = wait(() => {
      timer = wait(() => reject(toError()));
    });
    Promise.resolve(answer)
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}
