/** A timer that has been set. `cancel()` may be called at any time, also after it fired. */
export interface TimerHandle {
  cancel(): void;
  /** The process may end although it is set. Without it, it may not. */
  unref?(): void;
}

/**
 * The only source of time in the library. Tests hand in a clock that they move by hand.
 *
 * Durations, leases, windows and deadlines are measured with `monotonicMs`, so that a change of the
 * machine's wall clock never shortens or stretches them.
 */
export interface Clock {
  /** Milliseconds that never go back. Only differences have a meaning. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01 UTC, for timestamps that people and other machines read. */
  wallMs(): number;
  /** Runs `callback` once, not before `delayMs` have passed. */
  setTimer(callback: () => void, delayMs: number): TimerHandle;
}
