import type { Clock } from '../contracts/index.js';
import { TimeoutError } from '../errors/index.js';
import { abortError, onAbort } from '../internal/abort.js';

/** One end for a whole call: a time limit and the caller's signal in one. */
export interface Deadline {
  /** Aborts with a TimeoutError when the time is up, and with an AbortedError when the caller aborts. */
  readonly signal: AbortSignal;
  /** Takes the timer and the listener away. Call it when the work has ended. */
  dispose(): void;
}

export interface DeadlineOptions {
  readonly clock: Clock;
  /** Undefined: no limit of its own. */
  readonly timeoutMs: number | undefined;
  /** The signal of the caller, or of an outer deadline. */
  readonly signal: AbortSignal | undefined;
  /** What took too long, for the message. */
  readonly what: string;
  /** What to do then, for the message. */
  readonly advice: string;
}

/** That of a whole call, whatever it consists of. */
export function startCallDeadline(
  options: Pick<DeadlineOptions, 'clock' | 'timeoutMs' | 'signal'>,
): Deadline {
  return startDeadline({ ...options, what: 'The call', advice: 'Raise timeoutMs, or split the audio.' });
}

export function startDeadline({ clock, timeoutMs, signal, what, advice }: DeadlineOptions): Deadline {
  const controller = new AbortController();
  const timer =
    timeoutMs === undefined
      ? undefined
      : clock.setTimer(() => {
          controller.abort(
            new TimeoutError(`${what} took longer than ${timeoutMs} ms. ${advice}`, {
              code: 'timeout',
              retryable: true,
            }),
          );
        }, timeoutMs);
  const stopListening = onAbort(signal, () => controller.abort(abortError(signal as AbortSignal)));
  // Every phase of a call listens for a while: as long as one listener stays, the next ones cost nothing.
  const stopHolding = onAbort(controller.signal, () => undefined);
  return {
    signal: controller.signal,
    dispose() {
      timer?.cancel();
      stopListening();
      stopHolding();
    },
  };
}
